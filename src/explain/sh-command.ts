import type { Operands } from '../plan/step.js';
import { readVariable, type Secrecy } from './secrets.js';
import type { Shell } from './sh-steps.js';
import { folded, quote } from './sh-words.js';

/** Looks the user up in the files of the container: sets uid, gid, groups (an option of setpriv(1)) and home. */
export function writeUser({ spec, groups }: Operands<'user'>, inside: (path: string) => string): string[] {
  const colon = spec.indexOf(':');
  const user = colon === -1 ? spec : spec.slice(0, colon);
  const group = colon === -1 ? undefined : spec.slice(colon + 1);
  const isNumber = /^\d+$/.test(user);
  return [
    `user=${quote(user)} uid=${isNumber ? user : ''} gid=${isNumber ? '0' : ''} groups=${groups.map((one) => `,${one}`).join('')} home=/`,
    `${ifFile(inside('/etc/passwd'))}while IFS=: read -r name _ id main _ folder _; do`,
    `  if [ "$${isNumber ? 'id' : 'name'}" = "$user" ]; then user=$name uid=$id gid=$main home=$folder; break; fi`,
    `done < ${inside('/etc/passwd')}`,
    ...(isNumber ? [] : ['[ "$uid" ] || { echo "no user $user in the container" >&2; exit 125; }']),
    ...(group === undefined ? allGroups(inside) : oneGroup(group, inside)),
    'case $home in /*) ;; *) home=/ ;; esac',
    'if [ "$groups" ]; then groups=--groups=${groups#,}; else groups=--clear-groups; fi',
  ];
}

function allGroups(inside: (path: string) => string): string[] {
  return [
    `${ifFile(inside('/etc/group'))}while IFS=: read -r _ _ id members; do`,
    '  case ",$members," in *",$user,"*) groups=$groups,$id ;; esac',
    `done < ${inside('/etc/group')}`,
  ];
}

function oneGroup(group: string, inside: (path: string) => string): string[] {
  if (/^\d+$/.test(group)) return [`gid=${group}`];
  return [
    'gid=',
    `${ifFile(inside('/etc/group'))}while IFS=: read -r name _ id _; do if [ "$name" = ${quote(group)} ]; then gid=$id; fi; done < ${inside('/etc/group')}`,
    `[ "$gid" ] || { echo ${quote(`no group ${group} in the container`)} >&2; exit 125; }`,
  ];
}

/** The command line that everything ends in. */
export function writeCommand({ candidates, argv, env, reaper }: Operands<'exec'>, { rights, resets, showSecrets }: Shell): string[] {
  const [only] = candidates.length === 1 ? candidates : [];
  const reaping = Number(reaper) === 0 ? [] : [`/bin/sh -c '"$@"; exit $?' reaper`];
  const args = argv.slice(1).map(quote).join(' ');
  return [
    ...(only === undefined
      ? [`for program in ${candidates.map(quote).join(' ')}; do`, '  if [ -f "$program" ] && [ -x "$program" ]; then break; fi', 'done']
      : []),
    ...(reaping.length === 0 ? [] : ['# A shell as PID 1 reaps what the command leaves behind, but passes no signals on.']),
    ...folded([
      'exec setpriv',
      ...rights,
      ['env -i', ...resets].join(' '),
      ...env.map((entry) => writeVariable(entry, showSecrets)),
      ...(env.some((entry) => entry.startsWith('HOME=')) ? [] : ['HOME="$home"']),
      ...reaping,
      `${only === undefined ? '"$program"' : quote(only)}${args === '' ? '' : ` ${args}`}`,
    ]),
  ];
}

/** A secret is not written into the script: whoever runs it has it in the environment ({@link writeSecrets}). */
function writeVariable(entry: string, showSecrets: boolean): string {
  const { name, hidden } = readVariable(entry, { showSecrets });
  if (!hidden) return quote(entry);
  return isName(name) ? `${name}="$${name}"` : quote(`${name}=`);
}

/** Refuses to start without the values that are not written into the script. */
export function writeSecrets(env: readonly string[], secrecy: Secrecy): string[] {
  const names = env.map((entry) => readVariable(entry, secrecy)).filter(({ name, hidden }) => hidden && isName(name));
  return names.map(({ name }) => `: "\${${name}?its value is not written here; set it and run this again}"`);
}

function isName(name: string): boolean {
  return /^[A-Za-z_]\w*$/.test(name);
}

/** A file that is missing has no entries. */
function ifFile(word: string): string {
  return `[ ! -f ${word} ] || `;
}
