/** The public API: the command line and embedders call the same functions. */

export { type Attachment, type AttachOptions, attach } from './attach.js';
export type { CheckId } from './check-ids.js';
export { type Copied, type CopyOptions, copyFrom, copyTo } from './cp.js';
export { prepareDetached, runDetached } from './detach.js';
export { type Change, type Difference, diff } from './diff.js';
export type { Finding, Fix, Group, Verdict } from './doctor/check.js';
export { type CheckReport, type DoctorOptions, type DoctorReport, doctor } from './doctor/doctor.js';
export { renderFixScript } from './doctor/fix-script.js';
export { type PackageManager, packageManager } from './doctor/packages.js';
export { explainCheck } from './doctor/page.js';
export { type DoctorPage, renderDoctor } from './doctor/render.js';
export { BugError, NoContainerError, StepError, UserError } from './errors.js';
export { type ContainerEvent, type EventsOptions, events } from './events.js';
export { exec, execDetached } from './exec.js';
export { explainEnd } from './explain/end.js';
export { explainJson } from './explain/json.js';
export { explainShell } from './explain/sh.js';
export { explainPlan } from './explain/table.js';
export { formatAge } from './format/age.js';
export { printableJson } from './format/json.js';
export { printable } from './format/printable.js';
export { shellWord } from './format/shell-word.js';
export { sparkline } from './format/sparkline.js';
export type { Column } from './format/table.js';
export { renderTable } from './format/table.js';
export { fillTemplate, prepareTemplate } from './format/template.js';
export { inspect } from './inspect.js';
export type {
  ContainerInspection,
  InspectedMount,
  InspectedNamespace,
  InspectedProcess,
  InspectedResources,
  InspectedRestart,
  InspectedRootfs,
  InspectedState,
} from './inspection.js';
export { passOutput } from './launch/raw-output.js';
export { type ContainerSummary, type ListOptions, list } from './list.js';
export { type LogLine, type LogOptions, logs } from './logs/logs.js';
export type {
  DetachedContainer,
  DetachedExecOptions,
  DetachOptions,
  DeviceOption,
  ExecOptions,
  ExecResult,
  ExitReason,
  LabelParts,
  MountOption,
  OutputOption,
  RestartPolicy,
  Result,
  RunningContainer,
  RunOptions,
  SecurityOptions,
  StepResult,
} from './options.js';
export { outputError, writeWhole } from './output.js';
export { isPaused, pause, type ShownStatus, shownStatus, unpause } from './pause.js';
export type { Plan } from './plan/step.js';
export { type Prepared, prepare } from './prepare.js';
export { type Prunable, type Pruned, type PruneOptions, prunable, prune } from './prune.js';
export { readNamedFile } from './read-named-file.js';
export { type Removed, remove } from './remove.js';
export { attend } from './restart.js';
export { run } from './run.js';
export { kill } from './signal-container.js';
export { splitRun } from './spec/arguments.js';
export { parseCapabilities } from './spec/cap-flags.js';
export { parseCpus } from './spec/cpus.js';
export { parseDevice } from './spec/device-flag.js';
export { parseDuration } from './spec/duration.js';
export { mergeEnv, parseEnv, parseEnvFile } from './spec/env.js';
export { parseInstant } from './spec/instant.js';
export { parseMount } from './spec/mount-flag.js';
export { checkName } from './spec/name.js';
export { nearest } from './spec/nearest.js';
export { parseRestart } from './spec/restart.js';
export { parseSecurityOpts } from './spec/security-opt.js';
export { formatBytes, parseMemory, parseMemorySwap, parseSize } from './spec/size.js';
export { parseTmpfs } from './spec/tmpfs.js';
export { parseUlimit } from './spec/ulimit.js';
export { parseGroup } from './spec/user.js';
export { parseVolume } from './spec/volume.js';
export { parseWhole } from './spec/whole.js';
export { restart, start } from './start.js';
export { errnoWords } from './state/failure.js';
export { type ContainerStats, type StatsOptions, stats } from './stats.js';
export { type StopOptions, stop } from './stop.js';
export { type ProcessSummary, top } from './top.js';
export { type UpdateOptions, update } from './update.js';

export type { Finding as VerifyFinding, Group as VerifyGroup, Verdict as VerifyVerdict } from './verify/finding.js';
export { renderVerify, type VerifyPage } from './verify/render.js';
export { type VerifyReport, verify } from './verify/verify.js';
export { wait } from './wait.js';
