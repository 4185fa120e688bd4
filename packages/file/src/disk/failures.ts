import { CoordError, isCoordError } from "@coord/core/driver";

const advice: Readonly<Record<string, string>> = {
  EACCES: "this user has no permission. Grant it, or choose another folder",
  EPERM: "this user has no permission. Grant it, or choose another folder",
  EROFS: "the file system is read-only. Mount it writable, or choose another folder",
  ENOSPC: "the disk is full. Make room, or choose another folder",
  EDQUOT: "the disk quota is used up. Make room, or choose another folder",
  ENOTDIR: "a part of the path is a file, not a folder. Choose another folder",
  EEXIST: "it is a file, not a folder. Choose another folder",
  EISDIR: "it is a folder, not a lock file. Remove it, or choose another name",
  ELOOP: "it is a symbolic link, which could lead anywhere. Remove it, or choose another folder",
  ENAMETOOLONG: "the path is too long. Choose a folder with a shorter one",
  EMFILE: "this process has too many open files. Raise its limit (ulimit -n)",
  ENFILE: "the machine has too many open files. Raise its limit (fs.file-max)",
  ENOLCK: "the kernel has no locks left. See whether the file system supports locks",
};

/** The COORD_UNAVAILABLE for a file operation that failed: on what, why, and what to do. */
export function failure(path: string, cause: unknown): CoordError {
  if (isCoordError(cause)) return cause;
  const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
  const why = advice[code] ?? `${String(cause)}. See whether the file system works`;
  return new CoordError("COORD_UNAVAILABLE", `Lock file trouble with ${path}: ${why}.`, { cause });
}
