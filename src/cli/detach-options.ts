import { type DetachOptions, parseRestart, parseSize, type RunOptions, UserError } from '../index.js';
import type { FlagValues } from './flag-values.js';
import type { RunFlagName } from './run-flags.js';

type Values = FlagValues<RunFlagName>;

/** Flags that mean something with -d alone. */
const DETACHED_ONLY: readonly RunFlagName[] = ['restart', 'log-opt'];

/** @throws UserError where one is given and -d is not */
export function refuseDetachFlags(values: Values): undefined {
  const given = DETACHED_ONLY.find((name) => values.has(name));
  if (given !== undefined)
    throw new UserError(`--${given} goes with -d: in the foreground there is nothing that it would act on`, {
      hint: 'add -d, or leave it out',
    });
}

/** What was typed, for a container that is left to itself. Its stdin and its terminal are those that are asked for, not the caller's. */
export function toDetachOptions(options: RunOptions, values: Values): DetachOptions {
  const { input: _input, stdout: _stdout, stderr: _stderr, maxBuffer: _most, keep: _keep, ...rest } = options;
  const [keep, rm] = [values.toggle('keep'), values.toggle('rm')];
  if (keep && rm) throw new UserError('--keep and --rm contradict each other', { hint: 'without either a detached container is kept' });
  const restart = values.text('restart');
  return {
    ...rest,
    tty: values.toggle('tty') ?? false,
    stdin: values.toggle('interactive') ?? false,
    rm: rm ?? keep === false,
    ...(restart === undefined ? {} : { restart: parseRestart(restart) }),
    log: logOptions(values.all('log-opt')),
  };
}

function logOptions(texts: readonly string[]): NonNullable<DetachOptions['log']> {
  let log: NonNullable<DetachOptions['log']> = {};
  for (const text of texts) {
    const [key, value = ''] = text.split(/=(.*)/s, 2);
    if (key === 'max-size') log = { ...log, maxSize: parseSize(value, '--log-opt max-size') };
    else if (key === 'max-file') log = { ...log, maxFiles: Number(/^\d{1,9}$/.test(value) ? value : Number.NaN) };
    else throw new UserError(`--log-opt ${JSON.stringify(text)} is not known`, { hint: '--log-opt max-size=10m --log-opt max-file=3' });
  }
  return log;
}
