import { deviceRules } from '../spec/defaults.js';
import type { DeviceRule, Linux } from '../spec/types.js';

/** BPF_DEVCG_ACC_ bits of linux/bpf.h: what is done with a device. */
export const MKNOD = 1;
export const READ = 2;
export const WRITE = 4;
const EVERYTHING = MKNOD | READ | WRITE;
const LETTERS: readonly (readonly [letter: string, bit: number])[] = [
  ['r', READ],
  ['w', WRITE],
  ['m', MKNOD],
];

/** Some devices, and some ways to use them. Numbers left undefined are all numbers. */
export interface DeviceMatch {
  readonly type: 'b' | 'c';
  readonly major: number | undefined;
  readonly minor: number | undefined;
  /** Bits of {@link MKNOD}, {@link READ} and {@link WRITE}. */
  readonly access: number;
}

/** Rules from first to last. For each device, and each bit of what is done with it, the last rule that speaks of it decides. */
export interface DeviceFilter {
  /** What holds where no rule speaks. */
  readonly allow: boolean;
  readonly rules: readonly (DeviceMatch & { readonly allow: boolean })[];
}

/**
 * The rules of a container. The default devices can be used in any case (OCI config-linux.md, "Default Devices"): a rule that denies
 * everything, with which the rules of other tools begin, says nothing new. Where a config has no rules at all, what it makes in
 * `linux.devices` can be used too.
 */
export function effectiveRules({ resources, devices = [] }: Linux): DeviceRule[] {
  const own = resources?.devices;
  if (own === undefined) return deviceRules(devices);
  const last = own.findLastIndex(isAboutAll);
  return own[last]?.allow ? own.slice(last) : [...deviceRules(), ...own.slice(last + 1)];
}

/** The rules in their simplest form: what a later rule about everything makes void is gone, and one about both types is two. */
export function deviceFilter(rules: readonly DeviceRule[]): DeviceFilter {
  const last = rules.findLastIndex(isAboutAll);
  return { allow: rules[last]?.allow ?? false, rules: rules.slice(last + 1).flatMap(split) };
}

/** True where nothing is denied: no filter is needed. */
export function isUnrestricted({ allow, rules }: DeviceFilter): boolean {
  return allow && rules.every((rule) => rule.allow);
}

/** `c 136:* rwm`, as version 1 reads and shows it. */
export function describeMatch({ type, major, minor, access }: DeviceMatch): string {
  const letters = LETTERS.filter(([, bit]) => access & bit).map(([letter]) => letter);
  return `${type} ${major ?? '*'}:${minor ?? '*'} ${letters.join('')}`;
}

function isAboutAll(rule: DeviceRule): boolean {
  return (
    (rule.type ?? 'a') === 'a' && numberOf(rule.major) === undefined && numberOf(rule.minor) === undefined && bitsOf(rule) === EVERYTHING
  );
}

function split(rule: DeviceRule): DeviceFilter['rules'] {
  const types = rule.type === 'b' || rule.type === 'c' ? [rule.type] : (['c', 'b'] as const);
  return types.map((type) => ({
    allow: rule.allow,
    type,
    major: numberOf(rule.major),
    minor: numberOf(rule.minor),
    access: bitsOf(rule),
  }));
}

function numberOf(number: number | undefined): number | undefined {
  return number === -1 ? undefined : number;
}

function bitsOf({ access }: DeviceRule): number {
  return access === undefined ? EVERYTHING : LETTERS.reduce((bits, [letter, bit]) => (access.includes(letter) ? bits | bit : bits), 0);
}
