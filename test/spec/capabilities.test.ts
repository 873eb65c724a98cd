import test from 'ava';
import fc from 'fast-check';
import { UserError } from '../../src/errors.js';
import { CAPABILITIES, capabilityMask, capabilityNames, capabilityNumber } from '../../src/spec/capabilities.js';

test('numbers of linux/capability.h', (t) => {
  t.is(CAPABILITIES.length, 41);
  t.is(new Set(CAPABILITIES).size, 41);
  const known = {
    CAP_CHOWN: 0,
    CAP_KILL: 5,
    CAP_SETPCAP: 8,
    CAP_NET_ADMIN: 12,
    CAP_SYS_CHROOT: 18,
    CAP_SYS_ADMIN: 21,
    CAP_MKNOD: 27,
    CAP_SETFCAP: 31,
    CAP_MAC_OVERRIDE: 32,
    CAP_AUDIT_READ: 37,
    CAP_BPF: 39,
    CAP_CHECKPOINT_RESTORE: 40,
  };
  for (const [name, number] of Object.entries(known)) t.is(capabilityNumber(name), number, name);
  t.is(capabilityNumber('constructor'), undefined);
});

test('masks', (t) => {
  t.is(capabilityMask([]), 0n);
  t.is(capabilityMask(['CAP_CHOWN', 'CAP_CHECKPOINT_RESTORE', 'CAP_CHOWN']), 0x100_0000_0001n);
  t.is(capabilityMask(CAPABILITIES), 2n ** 41n - 1n);
  // podman's default set as /proc/self/status shows it.
  t.is(
    capabilityMask(
      'CHOWN DAC_OVERRIDE FSETID FOWNER SETGID SETUID SETFCAP SETPCAP NET_BIND_SERVICE SYS_CHROOT KILL'
        .split(' ')
        .map((name) => `CAP_${name}`),
    ),
    0x800405fbn,
  );
});

test('a misspelt name is refused', (t) => {
  t.is(t.throws(() => capabilityMask(['CAP_SYS_ADMN']), { instanceOf: UserError })?.hint, 'did you mean CAP_SYS_ADMIN?');
  for (const name of ['CHOWN', 'cap_chown', '', 'ALL', '__proto__'])
    t.throws(() => capabilityMask([name]), { instanceOf: UserError }, name);
});

test('names and masks are each other’s inverse', (t) => {
  fc.assert(fc.property(fc.subarray([...CAPABILITIES]), (names) => void t.deepEqual(capabilityNames(capabilityMask(names)), names)));
});
