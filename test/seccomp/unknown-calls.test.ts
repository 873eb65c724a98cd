import test from 'ava';
import { unknownCalls } from '../../src/seccomp/unknown-calls.js';

test('a slip, and not what another processor has', (t) => {
  const names = ['read', 'raed', 'open', 'socketcall', 'arm_fadvise64_64', 'recv', 'file_setattr', 'Read', '__proto__'];
  t.deepEqual(unknownCalls({ defaultAction: 'SCMP_ACT_ALLOW', syscalls: [{ names, action: 'SCMP_ACT_ERRNO' }] }), [
    'raed',
    'Read',
    '__proto__',
  ]);
  t.deepEqual(unknownCalls({ defaultAction: 'SCMP_ACT_ALLOW' }), []);
});
