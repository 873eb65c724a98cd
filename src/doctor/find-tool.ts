import type { Finding } from './check.js';

/** Where root finds programs and an ordinary user's PATH often does not lead. */
const ALSO = '/usr/local/sbin:/usr/sbin:/sbin';

/** The path of a program, undefined where there is none. `path` is a PATH; without it the environment's, and the folders of root. */
export async function findTool(name: string, env: NodeJS.ProcessEnv, path = `${env['PATH'] ?? ''}:${ALSO}`): Promise<string | undefined> {
  // Loaded here: `crt run` looks for no programs.
  const { default: which } = await import('which');
  return (await which(name, { path, nothrow: true })) ?? undefined;
}

/** What is there, with nothing to judge. */
export async function lookFor(name: string, env: NodeJS.ProcessEnv): Promise<Finding> {
  const path = await findTool(name, env);
  return { verdict: 'info', observed: path === undefined ? `no ${name}` : `${name} is ${path}` };
}
