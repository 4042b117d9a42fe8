/** The part of fs-native-extensions (which ships no types) that this package uses. */
declare module "fs-native-extensions" {
  /** An exclusive lock on a file that is open for writing; false if another descriptor holds it. Ends with the descriptor. */
  export function tryLock(fd: number): boolean;
}
