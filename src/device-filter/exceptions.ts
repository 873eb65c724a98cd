import { UserError } from '../errors.js';
import { type DeviceFilter, type DeviceMatch, describeMatch } from './rules.js';

/** What cgroup version 1 can hold: one answer for all devices, and the devices for which the other one holds. */
export interface DeviceExceptions {
  readonly allow: boolean;
  readonly exceptions: readonly DeviceMatch[];
}

/**
 * The filter as version 1 keeps it (security/device_cgroup.c).
 * Version 1 looks for a single exception that covers all that is asked for, where the program of version 2 takes each bit by itself:
 * of two allowing rules of which neither includes the other, `c 1:* r` and `c *:3 w`, it is the stricter.
 * @throws UserError for a rule that takes away a part of what an earlier one gives by a wildcard: version 1 has no exceptions from exceptions.
 */
export function deviceExceptions({ allow, rules }: DeviceFilter): DeviceExceptions {
  let exceptions: readonly DeviceMatch[] = [];
  for (const rule of rules) exceptions = rule.allow === allow ? remove(exceptions, rule) : add(exceptions, rule);
  return { allow, exceptions: exceptions.map((exception) => widen(exception, exceptions)) };
}

function add(exceptions: readonly DeviceMatch[], { type, major, minor, access }: DeviceMatch): DeviceMatch[] {
  const isSame = (other: DeviceMatch): boolean => other.type === type && other.major === major && other.minor === minor;
  const given = exceptions.find(isSame);
  return [...exceptions.filter((other) => !isSame(other)), { type, major, minor, access: access | (given?.access ?? 0) }];
}

function remove(exceptions: readonly DeviceMatch[], rule: DeviceMatch): DeviceMatch[] {
  return exceptions.flatMap((exception) => {
    if (!meets(exception, rule) || !(exception.access & rule.access)) return [exception];
    if (!covers(rule, exception)) {
      throw new UserError(
        `linux.resources.devices: cgroup version 1 cannot make ${describeMatch(rule)} an exception from ${describeMatch(exception)}`,
        { hint: 'name the devices one by one, without a wildcard' },
      );
    }
    const access = exception.access & ~rule.access;
    return access === 0 ? [] : [{ ...exception, access }];
  });
}

/** What wider exceptions say of the same devices, said here as well: a request must be covered by one alone. */
function widen(exception: DeviceMatch, all: readonly DeviceMatch[]): DeviceMatch {
  return { ...exception, access: all.reduce((bits, other) => (covers(other, exception) ? bits | other.access : bits), 0) };
}

function covers(wide: DeviceMatch, narrow: DeviceMatch): boolean {
  const includes = (one: number | undefined, other: number | undefined): boolean => one === undefined || one === other;
  return wide.type === narrow.type && includes(wide.major, narrow.major) && includes(wide.minor, narrow.minor);
}

function meets(one: DeviceMatch, other: DeviceMatch): boolean {
  const touches = (a: number | undefined, b: number | undefined): boolean => a === undefined || b === undefined || a === b;
  return one.type === other.type && touches(one.major, other.major) && touches(one.minor, other.minor);
}
