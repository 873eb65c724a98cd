import type { Check, Finding } from '../check.js';
import { ownPackage } from '../package-root.js';

export const node: Check = {
  id: 'node',
  group: 'install',
  title: 'the version of Node.js',
  proves: 'The Node.js that runs this check, which is the one that runs `crt run`, is not older than package.json asks for.',
  why: 'crt uses calls of Node.js that older versions lack or have with errors; its tests run on no older one.',
  repair: 'Install a newer Node.js: the package of your distribution if it is new enough, else https://nodejs.org.',
  needsRoot: false,
  run: () => [judgeNode(process.versions.node, ownPackage().node)],
};

/** `engines` as package.json of crt writes it: `>=20.19`. */
export function judgeNode(version: string, engines: string): Finding {
  const numbers = (text: string): number[] => (/\d+(\.\d+)*/.exec(text)?.[0] ?? '0').split('.').map(Number);
  const [least, own] = [numbers(engines), numbers(version)];
  const at = least.findIndex((number, index) => number !== (own[index] ?? 0));
  if (at < 0 || (own[at] ?? 0) > (least[at] ?? 0)) return { verdict: 'pass', observed: `Node.js ${version}` };
  return {
    verdict: 'warn',
    observed: `Node.js ${version}`,
    expected: `Node.js ${engines}`,
    cost: 'crt is not tested with it: anything may fail',
    fix: { packages: ['nodejs'], advice: 'if your distribution has no newer one: https://nodejs.org' },
  };
}
