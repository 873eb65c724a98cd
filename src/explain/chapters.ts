import type { Actor } from '../plan/ops.js';
import type { Chapter } from '../plan/step.js';

/** The heading of a chapter and its story in one sentence. */
export const CHAPTERS: Readonly<Record<Chapter, { readonly title: string; readonly story: string }>> = {
  prepare: {
    title: 'Look before you leap',
    story: 'A small helper starts and looks at the rootfs, before anything on this machine is touched.',
  },
  rootfs: {
    title: 'A root of its own',
    story: 'The folder that will be / is put together on a workbench, and later takes the place of the old one.',
  },
  mounts: { title: 'File systems', story: 'What a program expects to find: processes in /proc, devices in /dev, your own folders.' },
  masks: { title: 'Masks', story: 'The kernel is shared, and some files of /proc and /sys tell or do too much: they are covered.' },
  namespaces: {
    title: 'Namespaces',
    story: 'A namespace is a private copy of something global; a process in new ones of every kind feels alone on its machine.',
  },
  cgroup: {
    title: 'Control group',
    story: 'Namespaces decide what a process sees, control groups how much of it there is: memory, processor time, processes.',
  },
  devices: { title: 'Devices', story: 'A handful of harmless devices; no disk, no memory of the machine.' },
  console: { title: 'Terminal', story: 'A terminal that belongs to the container, tied to yours by two streams of bytes.' },
  process: {
    title: 'The command',
    story: 'Root inside is not root outside: rights are given up one by one, and then the command takes over.',
  },
};

/** Who does a step, and where. */
export const ACTORS_IN_WORDS: Readonly<Record<Actor, string>> = {
  monitor: 'outside, the parent of it all',
  stage: 'in a private copy of the mount table',
  init: 'inside, process number 1 to be',
};
