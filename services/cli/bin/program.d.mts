/** Path of the file to run for the checkout at `root` as its sources are now: a bundle, or where none can be made its `main.ts`. */
export function programFile(root: string): Promise<string>;
