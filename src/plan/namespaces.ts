import type { Config, NamespaceType } from '../spec/types.js';
import type { Layout } from './layout.js';
import { CLONE_FLAGS } from './numbers.js';
import { dieWithParent } from './process.js';
import { type Step, step } from './step.js';
import { earlyNamespaces, hasUserNamespace, makeUserNamespace } from './user.js';

const namespaces = { chapter: 'namespaces' as const };

function has(config: Config, type: NamespaceType): boolean {
  return config.linux.namespaces.some((namespace) => namespace.type === type);
}

/**
 * The stage takes part in them, and init inherits them. Those that belong to a user namespace are made with it, and joined when the
 * rights of the host are not needed any more.
 */
export function makeNamespaces(config: Config): Step[] {
  if (hasUserNamespace(config)) return [makeUserNamespace(config)];
  const types = earlyNamespaces(config);
  if (types.length === 0) return [];
  return [step('unshare', 'stage', { namespaces: flagsOf(types) }, { ...namespaces, why: 'they are empty, and nobody else is in them' })];
}

/** Unsigned: CLONE_NEWNET alone would be negative with others or'ed to it. */
function flagsOf(types: readonly NamespaceType[]): number {
  return types.reduce((all, type) => (all | CLONE_FLAGS[type]) >>> 0, 0);
}

/** Init is born in the rest of its namespaces, all but the cgroup's, which is unshared once init is in its cgroup; and dies with the monitor. */
export function bearInit(config: Config, cloneInto: string | undefined): Step[] {
  const before: readonly NamespaceType[] = [...earlyNamespaces(config), 'cgroup', 'user'];
  const types = config.linux.namespaces.map((namespace) => namespace.type).filter((type) => !before.includes(type));
  const operands = { pidfd: 'init', cgroup: cloneInto, namespaces: flagsOf(types) };
  return [
    step('clone', 'stage', operands, { ...namespaces, why: 'init is born: PID 1 in namespaces of its own' }),
    dieWithParent('namespaces', 'if the monitor dies, so does all this'),
  ];
}

/** Into the cgroup, then a cgroup namespace, whose root is where init is by then. */
export function enterCgroup(config: Config, layout: Layout): Step[] {
  const note = { chapter: 'cgroup' as const, why: 'its own cgroup is the root that it sees' };
  return [
    ...layout.cgroup.join({ bornInside: !hasUserNamespace(config) }),
    ...(has(config, 'cgroup') ? [step('unshare', 'init', { namespaces: CLONE_FLAGS.cgroup }, note)] : []),
  ];
}

/** What a fresh network and UTS namespace needs to be of use. */
export function furnish(config: Config): Step[] {
  const steps: Step[] = [];
  if (has(config, 'network')) steps.push(step('loopback', 'init', {}, { ...namespaces, why: 'the only network inside: 127.0.0.1' }));
  if (config.hostname !== undefined)
    steps.push(step('hostname', 'init', { name: config.hostname }, { ...namespaces, why: 'its own name' }));
  if (config.domainname !== undefined) {
    steps.push(step('domainname', 'init', { name: config.domainname }, { ...namespaces, why: 'its own domain' }));
  }
  return steps;
}
