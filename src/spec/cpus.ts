import { UserError } from '../errors.js';
import { quote } from './quote.js';

/** Microseconds of one scheduling period, docker's and the kernel's default. */
export const CPU_PERIOD = 100_000;
/** The kernel takes no quota under a millisecond a period (kernel/sched/core.c, min_cfs_quota_period). */
const LEAST_CPUS = 0.01;

/**
 * The text of `--cpus`: a decimal number of processors.
 * @throws UserError for another text, or less than 0.01.
 */
export function parseCpus(text: string): number {
  if (!/^(\d{1,6}(\.\d{0,9})?|\.\d{1,9})$/.test(text))
    throw new UserError(`--cpus ${quote(text)} is not a number`, { hint: 'for example: --cpus 0.5' });
  return checkCpus(Number(text));
}

/**
 * RunOptions.cpus.
 * @param available processors of the machine; undefined when it is not known here
 * @throws UserError for less than 0.01, more than the machine has, or what is no number.
 */
export function checkCpus(cpus: number, available?: number): number {
  if (!(Number.isFinite(cpus) && cpus >= LEAST_CPUS)) {
    throw new UserError(`cpus: ${cpus} is less than the kernel can ration, ${LEAST_CPUS}`, { hint: 'for example: --cpus 0.5' });
  }
  if (available !== undefined && cpus > available) {
    throw new UserError(`cpus: ${cpus} is more than this machine has (${available})`, { hint: 'leave --cpus out for no limit' });
  }
  return cpus;
}

/** CPUs' worth of time as microseconds a {@link CPU_PERIOD}. */
export function cpuQuota(cpus: number): number {
  return Math.round(cpus * CPU_PERIOD);
}

/**
 * A list of processors as cpuset(7) reads it, `0-1,3`: the value of `--cpuset-cpus`, answered unchanged.
 * @param what the flag or field, for the message
 * @throws UserError for another text, a range that runs backwards, or a number no kernel has.
 */
export function checkCpuset(text: string, what = 'cpusetCpus'): string {
  const hint = 'numbers and ranges, for example 0-1,3';
  for (const part of text.split(',')) {
    const [, from, to = from] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    if (from === undefined || to === undefined) throw new UserError(`${what}: ${quote(text)} is not a list of processors`, { hint });
    if (Number(from) > Number(to)) throw new UserError(`${what}: the range ${part} runs backwards`, { hint });
    // NR_CPUS is at most 8192 in the kernels of any distribution.
    if (Number(to) > 8191) throw new UserError(`${what}: there is no processor ${to}`, { hint });
  }
  return text;
}
