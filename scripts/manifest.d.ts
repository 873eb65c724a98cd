export function renderManifest(root: string): Promise<string>;
export function writeManifest(root: string): Promise<void>;
