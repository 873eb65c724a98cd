import { dropRights } from '../../plan/process.js';
import { capabilityNames } from '../../spec/capabilities.js';
import { defaultCapabilities } from '../../spec/defaults.js';
import type { Check, Context, Finding, ProbeFailure } from '../check.js';
import { toldElsewhere } from '../finding.js';
import { defaultContainer } from '../layouts.js';
import { missingRights, RIGHTS } from '../rights.js';

export const capabilities: Check = {
  id: 'capabilities',
  group: 'isolation',
  title: 'the capabilities of crt itself',
  proves:
    "What crt itself has in force, and in its bounding set (capabilities(7)), is compared with what a start takes and with what a container gets. Then a process gives up all but the container's capabilities, as the start does.",
  why: 'Root without some of them, as inside another container, cannot make a container; and what crt does not have it cannot give.',
  repair:
    'Run crt as root of the host. Inside another container: docker run --cap-add …; in a unit of systemd: CapabilityBoundingSet=. A default capability that is missing can be left out: --cap-drop.',
  needsRoot: true,
  run: async (context) => {
    const missing = missingRights();
    const told = missing.filter((name) => RIGHTS[name]?.verdict === 'fail');
    const defaults = defaultCapabilities().bounding.filter((name) => !has(context, name) && !told.includes(name));
    const findings = [...missing.map(tellMissing), ...defaults.map(tellDefault)];
    if (missing.length > 0) return findings;
    const { config } = defaultContainer(context, { userns: 'host', capDrop: defaults });
    const failed = await context.probe({ init: dropRights(config) });
    if (failed.ok)
      return findings.length > 0
        ? findings
        : [{ verdict: 'pass', observed: 'rights can be given up: crt has all capabilities that it uses and gives' }];
    return [...findings, toldElsewhere(failed, 'capabilities') ?? tellDrop(failed)];
  },
};

function has({ facts }: Context, name: string): boolean {
  return capabilityNames(facts.capabilities).includes(name);
}

function tellMissing(name: string): Finding {
  const { verdict = 'fail', use = '', cost = '' } = RIGHTS[name] ?? {};
  return {
    verdict,
    observed: `crt does not have ${name}, which ${use}`,
    expected: 'it is in the bounding set of this process, and in force: capsh --print',
    cost,
    fix: {
      advice: `run crt as root of the host; inside another container start that one with --cap-add ${name.slice('CAP_'.length)}`,
    },
  };
}

function tellDefault(name: string): Finding {
  return {
    verdict: 'fail',
    observed: `crt does not have ${name}, which a container gets`,
    expected: 'it is in the bounding set of this process: capsh --print',
    cost: `each run needs --cap-drop ${name.slice('CAP_'.length)}`,
    fix: { advice: `give --cap-drop ${name.slice('CAP_'.length)}, or run crt as root of the host` },
  };
}

function tellDrop({ op, reason }: ProbeFailure): Finding {
  return {
    verdict: 'fail',
    observed: `rights cannot be given up (${op}): ${reason}`,
    expected: 'a process that keeps the capabilities of a container and no other',
    cost: 'no container can be started',
    fix: { advice: 'a filter of system calls around crt refuses it: run crt outside of that' },
  };
}
