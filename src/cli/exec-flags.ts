import { RUN_FLAGS } from './run-flags.js';

const { env, interactive, tty, timeout, detach, help } = RUN_FLAGS;

/** Every flag of `crt exec`, as `run` and docker have them. */
export const EXEC_FLAGS = {
  env,
  'env-file': RUN_FLAGS['env-file'],
  workdir: { ...RUN_FLAGS.workdir, summary: 'Directory to start in (default: where the container was started)' },
  user: { ...RUN_FLAGS.user, summary: 'User and group, by name or number, looked up inside (default: as the container was started)' },
  interactive,
  tty,
  timeout: { ...timeout, helpGroup: 'process', summary: 'Kill the command after 90s, 5m, 1h (exit code 124)' },
  detach,
  help: { ...help, char: 'h' as const },
};

export type ExecFlagName = keyof typeof EXEC_FLAGS;
