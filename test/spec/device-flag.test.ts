import test from 'ava';
import { UserError } from '../../src/errors.js';
import { DEFAULT_DEVICES } from '../../src/spec/defaults.js';
import { DEVICE_OPTION, parseDevice, toDeviceRules, toDevices } from '../../src/spec/device-flag.js';

const KVM = { type: 'c', major: 10, minor: 232, mode: 0o660, uid: 0, gid: 104 } as const;

test('HOST[:CONTAINER][:rwm], as docker reads it', (t) => {
  t.deepEqual(parseDevice('/dev/kvm'), { source: '/dev/kvm' });
  t.deepEqual(parseDevice('/dev/kvm:/dev/x'), { source: '/dev/kvm', target: '/dev/x' });
  t.deepEqual(parseDevice('/dev/kvm:rw'), { source: '/dev/kvm', access: 'rw' });
  t.deepEqual(parseDevice('/dev/kvm:/dev/x/y:mr'), { source: '/dev/kvm', target: '/dev/x/y', access: 'mr' });
  for (const bad of ['', 'kvm', '/dev/kvm:', '/dev/kvm:x', '/dev/kvm::rw', '/dev/kvm:/dev/x:', '/dev/a:/dev/b:r:w', '/srv/a', '/dev/pts/1'])
    t.throws(() => DEVICE_OPTION(parseDevice(bad), 'devices[0]'), { instanceOf: UserError }, bad);
});

test('a device comes after those that every container has, with owner and mode of the host', (t) => {
  const devices = toDevices([{ source: '/dev/kvm', target: '/dev/x' }], [KVM]);
  t.deepEqual(devices.slice(0, -1), [...DEFAULT_DEVICES]);
  t.deepEqual(devices.at(-1), { type: 'c', path: '/dev/x', major: 10, minor: 232, fileMode: 0o660, uid: 0, gid: 104 });
});

test('one place, one device; a default one named again is that one', (t) => {
  const zero = { ...KVM, major: 1, minor: 5 };
  t.deepEqual(toDevices([{ source: '/dev/zero' }], [zero]), [...DEFAULT_DEVICES]);
  t.throws(() => toDevices([{ source: '/dev/kvm', target: '/dev/null' }], [KVM]), { instanceOf: UserError, message: /^devices\[0\]: / });
  t.throws(
    () =>
      toDevices(
        [
          { source: '/dev/kvm', target: '/dev/x' },
          { source: '/dev/zero', target: '/dev/x' },
        ],
        [KVM, zero],
      ),
    { instanceOf: UserError, message: /^devices\[1\]: / },
  );
});

test('the rule for the device filter', (t) => {
  t.deepEqual(toDeviceRules([{ source: '/dev/kvm' }, { source: '/dev/kvm', access: 'r' }], [KVM, KVM]), [
    { allow: true, type: 'c', major: 10, minor: 232, access: 'rwm' },
    { allow: true, type: 'c', major: 10, minor: 232, access: 'r' },
  ]);
});
