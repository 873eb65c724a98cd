import test from 'ava';
import { UserError } from '../../src/errors.js';
import { contextOf } from '../../src/spec/lsm.js';
import { parseSecurityOpts } from '../../src/spec/security-opt.js';

const parse = (...texts: string[]): unknown => parseSecurityOpts(texts, '/here');

test('each key, with "=" and with ":"', (t) => {
  t.is(parse(), undefined);
  for (const text of ['no-new-privileges', 'no-new-privileges=true', 'no-new-privileges:true'])
    t.deepEqual(parse(text), { noNewPrivileges: true });
  t.deepEqual(parse('no-new-privileges:false'), { noNewPrivileges: false });
  t.deepEqual(parse('seccomp=unconfined'), { seccomp: 'unconfined' });
  t.deepEqual(parse('seccomp:./p.json'), { seccomp: '/here/p.json' });
  t.deepEqual(parse('seccomp=/etc/p=q.json'), { seccomp: '/etc/p=q.json' });
  t.deepEqual(parse('apparmor=docker-default'), { apparmor: 'docker-default' });
  t.deepEqual(parse('apparmor:unconfined'), { apparmor: 'unconfined' });
  t.deepEqual(parse('systempaths=unconfined'), { unmask: 'ALL' });
  t.deepEqual(parse('mask=/a:/b/../c', 'mask=/d', 'unmask=/proc/kcore'), { mask: ['/a', '/c', '/d'], unmask: ['/proc/kcore'] });
  t.deepEqual(parse('unmask=/proc/kcore', 'unmask=all'), { unmask: 'ALL' });
});

test('labels: parts join, and become a whole context', (t) => {
  t.deepEqual(parse('label=disable'), { label: 'disable' });
  t.deepEqual(parse('label=type:spc_t', 'label=level:s0:c1,c2'), { label: { type: 'spc_t', level: 's0:c1,c2' } });
  t.deepEqual(parse('label:user:u', 'label=role:r'), { label: { user: 'u', role: 'r' } });
  t.deepEqual(parse('label=system_u:system_r:container_t:s0:c1'), { label: 'system_u:system_r:container_t:s0:c1' });
  t.is(contextOf(undefined), undefined);
  t.is(contextOf('disable'), undefined);
  t.is(contextOf('a:b:c'), 'a:b:c');
  t.is(contextOf({ type: 'spc_t', level: 's0:c1,c2' }), 'system_u:system_r:spc_t:s0:c1,c2');
});

test('of what is no list the last one wins', (t) => {
  t.deepEqual(parse('seccomp=unconfined', 'seccomp=/p', 'apparmor=a', 'apparmor=b'), { seccomp: '/p', apparmor: 'b' });
});

test('anything else is refused with a list of what there is', (t) => {
  const bad = ['', 'constructor=1', 'seccomp', 'seccomp=', 'mask=', 'mask=a', 'mask=/', 'unmask=', 'apparmor=', 'label=', 'label=type:a:b'];
  for (const text of [...bad, 'systempaths=all', 'no-new-privileges=', 'proc-opts=x', 'label=filetype:x', 'label=type:'])
    t.throws(() => parse(text), { instanceOf: UserError }, text);
  t.regex(t.throws(() => parse('apparmour=x'), { instanceOf: UserError })?.hint ?? '', /did you mean apparmor\?.*seccomp=unconfined\|FILE/);
});
