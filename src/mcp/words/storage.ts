/** The words for folders, files and records, for models. */
import type { FolderProblem, KeyProblem, PictureReplacement, StorageReason } from '../../core/reasons.ts';
import type { Words } from './said.ts';

const OUTPUT = 'FLUX_OUTPUT_DIR';
const STATE = 'FLUX_STATE_DIR';
const FETCH_AGAIN =
  'Call get_job_status with its job_id: the picture is fetched again from its address where that still works, without a new charge.';

export const STORAGE_WORDS: Words<StorageReason> = {
  change_contended: ({ changed: { type, name, location }, tries }) => {
    const thing =
      type === 'record' ? `The record of ${name} in ${location}` : `The shared value "${name}" in ${location}`;
    return `${thing} was changed by other processes at each of ${tries} tries, so this change was given up.`;
  },
  state_not_kept: ({ path, error }, { creditsSpent }) => ({
    what: `What the server keeps in its state folder cannot be read or written: ${path} (${error}).`,
    // What the service has answered waits in memory.
    user:
      creditsSpent === 'yes'
        ? `${isFull(error) ? 'make room there' : 'put that right'} while the server keeps running: a restart would lose this answer`
        : folderRemedy(error, STATE),
  }),
  state_is_newer: ({ path }) => ({
    what: `The file ${path} was written by a newer version of flux-pro-mcp and is not changed by this one.`,
    user: 'update flux-pro-mcp everywhere',
  }),
  folder_not_usable: ({ contents, folder, problem }) => {
    const [lack, setting] =
      contents === 'pictures' ? ['Pictures cannot be saved', OUTPUT] : ['Job records cannot be kept', STATE];
    return {
      what: `${lack} in ${folder}: ${folderProblem(problem)}.`,
      user: folderRemedy(problem, setting),
      next: 'Then call again.',
    };
  },
  picture_not_saved: ({ folder, problem }) => ({
    what: `The picture could not be saved in ${folder}: ${folderProblem(problem)}.`,
    user: folderRemedy(problem, OUTPUT),
  }),
  record_lost: ({ id, location }) => ({
    what: `The record of ${id} in ${location} can no longer be read; what was left of it is kept in the folder "damaged" there. The order may have been carried out.`,
    user: 'check that folder and the account at Doitong',
    next: 'Order the picture again, with allow_duplicate true, only if the user agrees: that is a new, paid order.',
  }),
  picture_not_readable: ({ file, error }) => ({
    what: `The saved picture ${file} cannot be read (${error}).`,
    next: FETCH_AGAIN,
  }),
  picture_replaced: ({ file, by }) => ({
    what: `The saved picture ${file} was replaced: what is there now is ${REPLACEMENTS[by]}.`,
    next: FETCH_AGAIN,
  }),
  no_home: ({ setting }) => ({
    what: `This user has no home folder (HOME is no absolute path, and the system knows none), so ${setting} needs an absolute path.`,
    user: `set ${[STATE, OUTPUT].includes(setting) ? `${STATE} and ${OUTPUT} to folders that can be written, as absolute paths,` : `${setting} to an absolute path`} and restart the server`,
  }),
  key_not_usable: ({ file, problem }) => ({
    what: keyProblem(file === undefined ? 'DOITONG_API_KEY' : `The key file ${file}`, problem),
    user:
      file === undefined
        ? "put the key itself into DOITONG_API_KEY in the host's configuration, or name a file that holds it in DOITONG_API_KEY_FILE, and restart the server"
        : 'correct the file, or correct DOITONG_API_KEY_FILE and restart the server',
    next: file && 'Then call again.',
  }),
};

const NO_FOLDER = 'something that is not a folder is in its way';
const NOT_ALLOWED = 'this user may not write there';
const FOLDER_PROBLEMS: Readonly<Record<string, string>> = {
  ENOTDIR: NO_FOLDER,
  EEXIST: NO_FOLDER,
  ELOOP: 'a link that leads nowhere is in its way',
  ENOENT: 'it cannot be made there',
  EACCES: NOT_ALLOWED,
  EPERM: NOT_ALLOWED,
  ERR_ACCESS_DENIED: "Node's permission model does not allow it",
  EROFS: 'that disk is read-only',
  ENOSPC: 'that disk is full',
  EDQUOT: "this user's share of that disk is full",
  EIO: 'that disk reports an error',
  EMFILE: 'the server has too many files open',
  ENFILE: 'this machine has too many files open',
};

/** Half a sentence. */
export function folderProblem(problem: FolderProblem): string {
  if (problem === 'no_answer') return 'it gave no answer within 5 s';
  if (problem === 'linked_folder') return 'it is a link or was replaced, and leads out of the output folder';
  return `${FOLDER_PROBLEMS[problem] ?? 'nothing can be written'} (${problem})`;
}

const isFull = (problem: FolderProblem): boolean => problem === 'ENOSPC' || problem === 'EDQUOT';

/** What the user can do about it. */
function folderRemedy(problem: FolderProblem, setting: string): string {
  if (problem === 'EMFILE' || problem === 'ENFILE')
    return `restart the server: ${FOLDER_PROBLEMS[problem]}; if that happens again, raise the limit for open files (ulimit -n)`;
  const first = isFull(problem) ? 'make room there' : 'put that right';
  return `${first}, or set ${setting} to a folder that can be written and restart the server`;
}

export const REPLACEMENTS: Readonly<Record<PictureReplacement, string>> = {
  outside: 'outside the output folder',
  link: 'a link',
  linked_folder: 'in a folder that is a link',
  no_file: 'not a regular file',
  too_large: 'larger than any picture here',
  no_picture: 'not a picture',
};

const ONLY = 'it should contain only the key';
/** What follows the name of the variable or the file; `{}` stands for what is shown. */
const KEY_PROBLEMS: Readonly<Record<Exclude<KeyProblem['type'], 'placeholder'>, string>> = {
  example: 'contains "{}", an example in place of a key',
  reference: 'contains a reference ({}…) that nothing has replaced by the key',
  json: `contains JSON; ${ONLY}`,
  quotes: 'contains quotation marks, which are not part of a key',
  header: `contains a whole header ("Bearer …"); ${ONLY}`,
  assignment: `contains a whole line of the form NAME=key; ${ONLY}`,
  several_lines: `contains several lines; ${ONLY}`,
  malformed: 'does not contain one key of 8 to 512 visible characters without spaces',
  empty: 'is empty',
  utf16: 'is not UTF-8 text: it looks like UTF-16. Save it as UTF-8 or ASCII',
  no_file: 'is not a file but a folder, a pipe or a device',
  too_large: `is larger than 10000 bytes; ${ONLY}`,
  not_readable: 'cannot be read ({})',
};

function keyProblem(where: string, problem: KeyProblem): string {
  const shown = 'shown' in problem ? problem.shown : '';
  if (problem.type === 'placeholder')
    return `The host did not fill in ${shown}: ${where} still contains that placeholder in place of the key.`;
  return `${where} ${KEY_PROBLEMS[problem.type].replace('{}', () => shown)}.`;
}
