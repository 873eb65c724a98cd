import { type Column, type ContainerSummary, formatAge, formatBytes, prepareTemplate, printableJson, renderTable } from '../index.js';

/** Columns of a problem's text: one damaged record must not push all others apart. */
const PROBLEM_WIDTH = 48;

/** What a template of `crt ps` can show: crt's names, and those that docker's users type. */
const FIELDS: Readonly<Record<string, (summary: ContainerSummary) => string>> = {
  Name: ({ name }) => name,
  Names: ({ name }) => name,
  ID: ({ id }) => id ?? '',
  Pid: ({ pid }) => String(pid ?? ''),
  Status: (summary) => statusText(summary, true),
  State: ({ status }) => status,
  ExitCode: ({ exitCode }) => String(exitCode ?? ''),
  CreatedAt: ({ created }) => created?.replace(/^(.*)T(.*)\.\d+Z$/, '$1 $2 +0000 UTC') ?? '',
  RunningFor: ({ ageMs }) => (ageMs === undefined ? '' : formatAge(ageMs)),
  Memory: memoryText,
  Command: ({ command }) => command?.join(' ') ?? '',
  Rootfs: ({ rootfs }) => rootfs ?? '',
  Image: ({ rootfs }) => rootfs ?? '',
  Loosened: ({ loosened }) => loosened?.join(',') ?? '',
  Problem: ({ problem }) => problem ?? '',
};

type Row = Readonly<Record<string, string>>;

/**
 * The containers by `--format`: `json` is one object a line, as docker has it; a template makes a line each; `table TEMPLATE` lays out what `\t`
 * parts, under titles.
 * @throws UserError for a bad template, also where there is no container
 */
export function renderRows(
  containers: readonly ContainerSummary[],
  format: string,
  page: { readonly width: number | undefined; readonly truncate: boolean },
): string {
  const rows = containers.map((summary): Row => toRow((name) => FIELDS[name]?.(summary) ?? ''));
  if (format === 'json') return rows.map((row) => `${printableJson(row)}\n`).join('');
  const table = /^table(?:\s|\\t)+(.*)$/s.exec(format)?.[1];
  const fill = prepareTemplate(table ?? format);
  // A field that there is not is an error in an empty list, too.
  const titles = fill(toRow(titleOf));
  if (table === undefined) return rows.map((row) => `${fill(row)}\n`).join('');
  const columns = titles.split('\t').map((title, at): Column<readonly string[]> => ({ title, value: (cells) => cells[at] ?? '' }));
  return renderTable(
    rows.map((row) => fill(row).split('\t')),
    columns,
    page,
  );
}

function toRow(textOf: (name: string) => string): Row {
  return Object.fromEntries(Object.keys(FIELDS).map((name) => [name, textOf(name)]));
}

/** `CreatedAt` → `CREATED AT` */
function titleOf(field: string): string {
  return field.replace(/([a-z])([A-Z])/g, '$1 $2').toUpperCase();
}

export function statusText({ status, exitCode, problem }: ContainerSummary, isWhole: boolean): string {
  if (problem !== undefined)
    return `${status}: ${isWhole || problem.length <= PROBLEM_WIDTH ? problem : `${problem.slice(0, PROBLEM_WIDTH - 1)}…`}`;
  return status === 'stopped' ? `stopped (${exitCode === null ? 'end not seen' : (exitCode ?? 'cleaning up')})` : status;
}

export function memoryText({ memoryUsage, memoryLimit }: ContainerSummary): string {
  if (memoryUsage === undefined && memoryLimit === undefined) return '-';
  const usage = memoryUsage === undefined ? '-' : formatBytes(memoryUsage);
  return `${usage} / ${memoryLimit === undefined ? 'no limit' : formatBytes(memoryLimit)}`;
}
