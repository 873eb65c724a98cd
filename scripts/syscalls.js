#!/usr/bin/env node
// Writes src/seccomp/syscalls.ts from the kernel's headers (Debian: linux-libc-dev and a C compiler).
//   node scripts/syscalls.js            writes the file
//   node scripts/syscalls.js --check    compares instead: 0 the same, 1 something differs, 77 no headers here
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TABLE = fileURLToPath(new URL('../src/seccomp/syscalls.ts', import.meta.url));
const WIDTH = 136;

/** arch/arm64/include/uapi/asm/unistd.h of Linux 6.1: what aarch64 takes from the generic table. */
const AARCH64 = ['RENAMEAT', 'NEW_STAT', 'SET_GET_RLIMIT', 'TIME32_SYSCALLS', 'SYS_CLONE3', 'MEMFD_SECRET'].map(
  (want) => `-D__ARCH_WANT_${want}`,
);

const SOURCES = {
  x86_64: { header: 'asm/unistd_64.h', flags: [] },
  x32: { header: 'asm/unistd_x32.h', flags: ['-D__X32_SYSCALL_BIT=0x40000000'] },
  i386: { header: 'asm/unistd_32.h', flags: [] },
  aarch64: { header: 'asm-generic/unistd.h', flags: AARCH64 },
};

/**
 * Newer than the headers of Debian 12 (Linux 6.1). Since Linux 5.1 a new call has one number on all architectures
 * (the tables arch/…/syscalls/….tbl and scripts/syscall.tbl of the release named).
 */
const NEWER = {
  cachestat: 451, // 6.5
  fchmodat2: 452, // 6.6
  map_shadow_stack: 453, // 6.6
  futex_wake: 454, // 6.7
  futex_wait: 455, // 6.7
  futex_requeue: 456, // 6.7
  statmount: 457, // 6.8
  listmount: 458, // 6.8
  lsm_get_self_attr: 459, // 6.8
  lsm_set_self_attr: 460, // 6.8
  lsm_list_modules: 461, // 6.8
  mseal: 462, // 6.10
  setxattrat: 463, // 6.13
  getxattrat: 464, // 6.13
  listxattrat: 465, // 6.13
  removexattrat: 466, // 6.13
  open_tree_attr: 467, // 6.15
  file_getattr: 468, // 6.17
  file_setattr: 469, // 6.17
};
const NEWEST = 469;
/** In the generic header and not on the architecture: nothing to filter. */
const NOT_CALLS = new Set(['syscalls', 'arch_specific_syscall']);
const X32_BIT = 0x40000000;

/** What the header of one architecture defines, name → number. */
function readHeader({ header, flags }) {
  const macros = execFileSync('cc', ['-E', '-dM', ...flags, '-'], {
    input: `#include <${header}>\n`,
    encoding: 'utf8',
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const defined = new Map([...macros.matchAll(/^#define (__NR\w*) (.+)$/gm)].map(([, name, value]) => [name, value]));
  const numberOf = (text) => {
    const [, base, offset] =
      /^\(?(?:(__X32_SYSCALL_BIT) ?\+ ?)?(\w+)\)?$/.exec(text.replace(/0x40000000|\(0x40000000\)/, '__X32_SYSCALL_BIT')) ?? [];
    if (offset === undefined) throw new Error(`not a number: ${text}`);
    return (base === undefined ? 0 : X32_BIT) + (defined.has(offset) ? numberOf(defined.get(offset)) : Number(offset));
  };
  const calls = [...defined].filter(([name]) => name.startsWith('__NR_') && !NOT_CALLS.has(name.slice('__NR_'.length)));
  return new Map(calls.map(([name, value]) => [name.slice('__NR_'.length), numberOf(value)]));
}

/** The header's calls and the newer ones, by number. */
function wholeTable(arch, header) {
  const bit = arch === 'x32' ? X32_BIT : 0;
  const table = new Map([...header].filter(([, number]) => number - bit <= NEWEST || (arch === 'x32' && number - bit < 600)));
  for (const [name, number] of Object.entries(NEWER)) table.set(name, number + bit);
  return [...table].sort(([, a], [, b]) => a - b);
}

/** `0 read write 5 fstat`: a number, then the names that follow it one by one. */
function compact(table) {
  let next;
  const words = table.flatMap(([name, number]) => {
    const jump = number === next ? [] : [String(number)];
    next = number + 1;
    return [...jump, name];
  });
  const lines = [''];
  for (const word of words) {
    const line = lines.at(-1);
    if (line.length + word.length + 1 > WIDTH) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines.join('\n');
}

function render(tables) {
  const texts = Object.entries(tables).map(([arch, table]) => `  ${arch}: \`\n${compact(table)}\n\`,`);
  return `// Made by scripts/syscalls.js from the kernel's headers (linux-libc-dev). Do not edit.

/** The architectures whose calls have known numbers here, as the kernel's own names (uname -m, and i386 and x32 beside x86_64). */
export type SyscallArch = 'x86_64' | 'x32' | 'i386' | 'aarch64';

/** The newest number that all of them know, from ${NEWEST} = file_setattr of Linux 6.17; x32 adds its bit. */
export const NEWEST_CALL = ${NEWEST};

/** Calls by number: \`5 fstat lstat\` names 5 and 6. Read with {@link syscallNumbers}. */
const TABLES: Readonly<Record<SyscallArch, string>> = {
${texts.join('\n')}
};

const decoded = (text: string): ReadonlyMap<string, number> => {
  const numbers = new Map<string, number>();
  let next = 0;
  for (const word of text.trim().split(/\\s/)) {
    const number = Number(word);
    if (Number.isNaN(number)) numbers.set(word, next++);
    else next = number;
  }
  return numbers;
};

/** Every call of an architecture, name → number as seccomp_data carries it (x32: bit 30 included). */
export function syscallNumbers(arch: SyscallArch): ReadonlyMap<string, number> {
  return decoded(TABLES[arch]);
}
`;
}

function committed(arch) {
  const text = new RegExp(`^  ${arch}: \`\\n([^\`]*)\``, 'm').exec(readFileSync(TABLE, 'utf8'))?.[1] ?? '';
  const table = new Map();
  let next = 0;
  for (const word of text.trim().split(/\s/)) {
    if (/^\d+$/.test(word)) next = Number(word);
    else table.set(word, next++);
  }
  return table;
}

/** Where the committed table and a header disagree; a header older or newer than the table is no disagreement. */
function differences(arch, header) {
  const bit = arch === 'x32' ? X32_BIT : 0;
  const table = committed(arch);
  const newestThere = Math.max(...[...header.values()].map((number) => number - bit).filter((number) => number < 512));
  const missing = [...header].filter(([name, number]) => table.get(name) !== number && (number - bit <= NEWEST || number - bit >= 512));
  const extra = [...table].filter(([name, number]) => header.get(name) !== number && number - bit <= newestThere);
  return [
    ...missing.map(([name, number]) => `${arch}: ${name} is ${number}, the table says ${table.get(name)}`),
    ...extra.map(([name]) => `${arch}: ${name} is not in the header`),
  ];
}

function main() {
  const headers = ['/usr/include', '/usr/include/x86_64-linux-gnu'].flatMap((folder) =>
    Object.values(SOURCES).map(({ header }) => join(folder, header)),
  );
  if (headers.filter((path) => existsSync(path)).length < Object.keys(SOURCES).length) {
    console.error('no kernel headers of x86_64 here: apt install linux-libc-dev gcc');
    process.exitCode = 77;
    return;
  }
  const read = Object.entries(SOURCES).map(([arch, source]) => [arch, readHeader(source)]);
  if (process.argv.includes('--check')) {
    const found = read.flatMap(([arch, header]) => differences(arch, header));
    for (const line of found) console.error(line);
    process.exitCode = found.length > 0 ? 1 : 0;
    return;
  }
  writeFileSync(TABLE, render(Object.fromEntries(read.map(([arch, header]) => [arch, wholeTable(arch, header)]))));
}

main();
