import { UserError } from '../errors.js';
import type { ExecOptions } from '../options.js';
import { COMMAND_FIELDS, callback, command } from './check-options.js';
import { type Fields, optional, record, required } from './schema.js';

const FIELDS: Fields<ExecOptions> = { ...COMMAND_FIELDS, command: required(command), onStart: optional(callback()) };
const read = record<ExecOptions>(FIELDS);

/** As {@link checkOptions}. @throws UserError that begins with the field's name */
export function checkExec(options: unknown): ExecOptions {
  const checked = read(options, '');
  if (checked.command.length === 0) throw new UserError('command: there is none', { hint: 'name a program of the container' });
  return checked;
}
