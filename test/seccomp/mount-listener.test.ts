import test from 'ava';
import { mountListener } from '../../src/seccomp/mount-listener.js';

const ALLOW = 0x7fff0000;
const USER_NOTIF = 0x7fc00000;
const [X86_64, I386, AARCH64, ARM] = [0xc000003e, 0x40000003, 0xc00000b7, 0x40000028];
const X32 = 0x40000000;

/** Runs classic BPF of loads, equality jumps and returns, as seccomp(2) does. */
function judge(filter: Uint8Array, number: number, arch: number): number {
  const view = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data: Readonly<Record<number, number>> = { 0: number, 4: arch };
  let loaded: number | undefined;
  for (let at = 0; at < filter.length; at += 8) {
    const [code, value] = [view.getUint16(at, true), view.getUint32(at + 4, true)];
    if (code === 0x06) return value;
    if (code === 0x20) loaded = data[value];
    else if (code === 0x15) at += 8 * view.getUint8(at + (loaded === value ? 2 : 3));
    else throw new Error(`code ${code}`);
  }
  throw new Error('ran off the end');
}

test('mount(2) of this architecture asks, and nothing else does', (t) => {
  for (const [node, arch, mount] of [
    ['x64', X86_64, 165],
    ['arm64', AARCH64, 40],
  ] as const) {
    const filter = mountListener(node) ?? new Uint8Array();
    for (let number = 0; number < 600; number++) t.is(judge(filter, number, arch), number === mount ? USER_NOTIF : ALLOW);
    t.is(judge(filter, mount | X32, arch), ALLOW);
    for (const other of [X86_64, I386, AARCH64, ARM].filter((one) => one !== arch)) t.is(judge(filter, mount, other), ALLOW);
    t.is(judge(filter, 21, I386), ALLOW);
  }
});

test('an architecture whose numbers are not known has none', (t) => {
  t.is(mountListener('riscv64'), undefined);
});
