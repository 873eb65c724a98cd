import { formatBytes, type Result } from '../index.js';

/** What a person should know of the end besides the exit code, one line; undefined when there is nothing. */
export function describeEnding(result: Result, timeout: number | undefined): string | undefined {
  const { name, oomKills, oomKilled, timedOut } = result;
  if (timedOut) return `${name} was ended after ${(timeout ?? 0) / 1000} s (--timeout)`;
  if (oomKilled) return `${name} was killed by its memory limit: ${memoryStory(result)}`;
  if (oomKills > 0)
    return `the memory limit of ${name} killed ${oomKills === 1 ? 'a process' : `${oomKills} processes`} inside: ${memoryStory(result)}`;
  return undefined;
}

function memoryStory({ usage, oomVictim }: Result): string {
  const { memoryLimit, peakMemory } = usage;
  const parts = [
    memoryLimit === undefined ? '' : `limit ${formatBytes(memoryLimit)}`,
    peakMemory === undefined ? '' : `peak ${formatBytes(peakMemory)}`,
    oomVictim === undefined ? '' : `killed ${oomVictim}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}
