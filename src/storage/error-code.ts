/** The system's codes of failed file operations: for messages, and what they mean for what is done next. */
import { constants } from 'node:os';

export function errorCode(error: unknown): string {
  if (!(error instanceof Error && 'code' in error)) return String(error);
  const code = String(error.code);
  // Node has no name for some of them, EDQUOT among them; the system's own tables do.
  const [, number] = /^Unknown system error -(\d{1,6})$/u.exec(code) ?? [];
  return number === undefined ? code : (nameOf(Number(number)) ?? code);
}

function nameOf(number: number): string | undefined {
  return Object.entries(constants.errno).find(([, known]) => known === number)?.[0];
}

/** Nothing of that name is there, nor can be: something above it is no folder, or a link that leads back to itself. */
export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(errorCode(error));

/** Node's own, under its permission model. */
export const DENIED_BY_NODE = 'ERR_ACCESS_DENIED';

/**
 * File systems without hard links (exFAT, some network shares), with too many of one file, or whose rules are against
 * it. Windows says EISDIR for "invalid function", and UNKNOWN for what has no code.
 */
const CANNOT_LINK = [
  'EPERM',
  'EACCES',
  'EXDEV',
  'EMLINK',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'EINVAL',
  'EISDIR',
  'UNKNOWN',
  DENIED_BY_NODE,
];

/** Whether no second name can be given here, so that the file must be written another time instead. */
export const cannotLink = (error: unknown): boolean => CANNOT_LINK.includes(errorCode(error));

/** Folders of synchronised disks and of some mounts; what the disk itself says (EIO, ENOSPC) is never among them. */
const CANNOT_SYNC_FOLDER = [
  'EINVAL',
  'EPERM',
  'EACCES',
  'ENOTSUP',
  'EOPNOTSUPP',
  'ENOSYS',
  'ENOTTY',
  'EISDIR',
  'EBADF',
  DENIED_BY_NODE,
];

/** Whether this folder cannot be forced to the disk at all; nothing has failed then. */
export const cannotSyncFolder = (error: unknown): boolean => CANNOT_SYNC_FOLDER.includes(errorCode(error));

/** Somebody else holds the file, or the system is short of something, for a moment. */
const BUSY = ['EBUSY', 'ETXTBSY', 'EINTR', 'EAGAIN', 'EMFILE', 'ENFILE'];

export const isBusy = (error: unknown): boolean => BUSY.includes(errorCode(error));

/**
 * The same for names. A file that another program holds is refused with EPERM or EACCES by Windows, and by Windows
 * disks and SMB shares that are mounted elsewhere; where it is a matter of rights, half a second is lost.
 */
export const isFileInUse = (error: unknown): boolean => isBusy(error) || ['EPERM', 'EACCES'].includes(errorCode(error));
