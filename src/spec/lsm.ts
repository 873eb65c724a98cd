import { UserError } from '../errors.js';
import type { LabelParts, SecurityOptions } from '../options.js';
import { quote } from './quote.js';
import { type Reader, text } from './schema.js';

/** What container-selinux calls a container's process; docker and podman start from it, too. */
const BASE = { user: 'system_u', role: 'system_r', type: 'container_t', level: 's0' } as const;
/** One part of a context; the level, which comes last, may hold colons. */
const PART = /^[^\s:\0]{1,255}$/;
const LEVEL = /^[^\s\0]{1,255}$/;

/** The name of an AppArmor profile: what `exec NAME` can carry (apparmor(7)). @throws UserError */
export const checkProfileName: Reader<string> = (value, path) => {
  const name = text(value, path);
  if (/^[^\n\0]{1,255}$/.test(name) && name.trim() === name) return name;
  throw new UserError(`${path}: ${quote(name)} is not the name of an AppArmor profile`, { hint: 'the names: sudo aa-status' });
};

/** An SELinux context: `user:role:type[:level]`. @throws UserError */
export const checkContext: Reader<string> = (value, path) => {
  const context = text(value, path);
  if (/^[^\s:]{1,255}(:[^\s:]{1,255}){2}(:\S{1,255})?$/.test(context)) return context;
  throw new UserError(`${path}: ${quote(context)} is not an SELinux context`, {
    hint: 'user:role:type:level, for example system_u:system_r:container_t:s0:c1,c2',
  });
};

/** @throws UserError unless the text can be that part of a context. */
export function checkLabelPart(part: keyof LabelParts, value: string, path: string): string {
  if ((part === 'level' ? LEVEL : PART).test(value)) return value;
  throw new UserError(`${path}: ${quote(value)} cannot be the ${part} of an SELinux context`, { hint: 'for example type:container_t' });
}

/** The whole context that the options ask for; undefined for none. */
export function contextOf(label: SecurityOptions['label']): string | undefined {
  if (label === undefined || label === 'disable') return undefined;
  if (typeof label === 'string') return label;
  const { user, role, type, level } = { ...BASE, ...label };
  return [user, role, type, level].join(':');
}
