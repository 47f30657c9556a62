/**
 * Why something failed, as facts. `mcp/words/` puts them into words for models, `cli/remedies.ts` for people.
 * They are stored with jobs: text of the service inside is cleaned, redacted and bounded before it becomes a fact.
 */

/** An order that was not sent, or whose outcome is open. */
export type OrderReason =
  /**
   * Of an order that may cost more than `threshold`, together with what was ordered shortly before without a yes.
   * @param tool to call again
   */
  | {
      code: 'not_confirmed';
      min: number;
      max: number;
      recent: number;
      threshold: number;
      why: 'unanswered' | 'earlier_unanswered' | 'cannot_ask';
      tool: string;
    }
  | { code: 'secret_in_order'; argument: 'prompt' | 'file_name' }
  /** `owner_ended`: the process that was to send it. */
  | { code: 'user_refused' | 'user_cancelled' | 'owner_ended' | 'order_cancelled' }
  /**
   * It may have been sent. `key_too_old`: the service may have forgotten its key. `no_answer`: for an hour.
   * `keys_ignored`: by the service, so that another try could be another job. `other_key`: sent with another API key.
   */
  | { code: 'key_too_old' | 'no_answer' | 'keys_ignored' | 'other_key' }
  /** Orders of another key or service, perhaps charged there. @param isEqual to the one that is refused for it */
  | { code: 'unfinished_elsewhere'; ids: string[]; folders: string[]; isAdoptable: boolean; isEqual: boolean }
  | { code: 'earlier_try_open'; last: Reason }
  /** @param open of the try that may have been carried out, where that is not the last one */
  | { code: 'no_try_brought_a_job'; tries: number; open?: Reason; last: Reason }
  /** What nobody foresaw. @param error the name of its class */
  | { code: 'unforeseen'; during: 'order' | 'read' | 'save'; error: string };

/** The user's budget, the plan, or a limit of the service. */
export type LimitReason =
  | { code: 'call_too_expensive'; max: number; allowed: number; images: number }
  /** By `max_credits` of the call. */
  | { code: 'more_than_accepted'; max: number; accepted: number; images: number }
  | { code: 'balance_too_low'; min: number; max: number; balance: number; images: number }
  | { code: 'budget_exceeded'; wanted: Wanted; allowed: number; spent: number; reserved: number }
  /** By the user's pictures per day, or the plan's jobs per day. */
  | { code: 'pictures_exceeded' | 'plan_exceeded'; wanted: Wanted; allowed: number; ordered: number }
  | { code: 'requests_paused' };

/** What all that is new in a call would cost at most, and how many pictures that are. */
export type Wanted = { credits: number; images: number };

/** What the service answered, or that it did not. `said` and `status` are its own words. */
export type ServiceReason =
  /** @param dialect as set, where the order would need another one */
  | {
      code: 'service_answered';
      answer: ServiceAnswer;
      purpose: ServicePurpose;
      httpStatus?: number | undefined;
      said?: string | undefined;
      dialect?: string | undefined;
    }
  | { code: 'answer_lost'; purpose: ServicePurpose; how: LostAnswer; errorCode?: string | undefined }
  | { code: 'job_without_picture'; isModerated: boolean; status: string; said?: string | undefined }
  /** It lacks what an order must say, or requires what it cannot say; by places in the input. */
  | { code: 'dialect_changed'; dialect: string; missing: readonly string[]; unknown: readonly string[] }
  /** The order left before, in a dialect of a newer version. */
  | { code: 'dialect_unknown'; dialect: string }
  | { code: 'no_dialect_offered'; dialects: readonly string[] }
  /** No query by which this service tells the status of a job: none was found, or the one that is set is none, or refused. */
  | { code: 'no_status_query' | 'status_query_malformed' }
  | { code: 'status_query_refused'; query: string; httpStatus?: number | undefined; said?: string | undefined }
  | { code: 'ended_before_sending' | 'no_api_key' | 'api_key_unusable' | 'no_such_job_id' };

/** An order can cost credits, reading a job cannot; of a probe no job depends. */
export type ServicePurpose = 'submit' | 'read' | 'probe';

export type LostAnswer = 'call_ended' | 'too_late' | 'headers_too_long' | 'connection_broke';

/** The rows of docs/errors.md. */
export type ServiceAnswer = Refused | NotNow | Open | OfRead | 'unreadable' | 'lost';
type Refused = 'invalidRequest' | 'tooLarge' | 'badKey' | 'noCredits' | 'moderated' | 'notOffered' | 'movedElsewhere';
type NotNow = 'rateLimited' | 'jobLimited' | 'paused' | 'notSent' | 'blocked';
type Open = 'redirected' | 'conflict' | 'keyReused' | 'serviceError' | 'otherRefusal' | 'errorWithoutCode';
type OfRead = 'unknownJob' | 'noJobQuery';

/** A connection to the service, or to the host of a picture, that did not come about: nothing was sent over it. */
export type ConnectReason = ConnectProblem & { to: 'service' | 'picture' };

/** `errorCode` is the code of Node or OpenSSL, where there is one. */
export type ConnectProblem =
  /** The proxy in between, where there is one, did its part. */
  | { code: 'not_connected'; host?: string; errorCode?: string | undefined; proxy?: ReportedProxy }
  /** @param host whose certificate it is; of a proxy its address */
  | { code: 'certificate_refused'; host: string; fault: CertificateFault; errorCode: string }
  | { code: 'proxy_unusable'; host: string; proxy: ReportedProxy; errorCode?: string }
  | { code: 'proxy_refused'; host: string; proxy: ReportedProxy; status: number };

export type CertificateFault =
  | 'expired'
  | 'not_valid_yet'
  | 'other_host'
  | 'self_signed'
  | 'unknown_authority'
  | 'other';

/** Its address without user and password, and the variable that names it. */
export type ReportedProxy = { shown: string; setting: 'HTTPS_PROXY' | 'HTTP_PROXY' };

/** A finished picture that cannot be fetched. What is `shown` comes from the service. */
export type PictureReason =
  /** What the service gave as address is none. */
  | { code: 'picture_address_unusable'; problem: PictureAddressProblem; shown: string }
  | { code: 'picture_url_refused'; problem: PictureUrlProblem; shown: string }
  | { code: 'picture_host_not_listed'; host: string }
  /** Its name leads into this machine or a private network, or, without `address`, nowhere. */
  | { code: 'picture_host_is_inside'; host: string; address?: string }
  | { code: 'picture_host_answered'; status: number }
  | { code: 'picture_redirected'; redirects: number }
  | { code: 'picture_encoding_unknown'; encoding: string }
  /** `picture_nowhere`: the service does not say where it is. */
  | { code: 'picture_nowhere' | 'picture_data_missing' | 'picture_other_part' | 'picture_incomplete' }
  | { code: 'picture_too_large'; maxBytes: number }
  | { code: 'picture_too_slow'; seconds: number }
  | { code: 'picture_transfer_broke'; errorCode?: string | undefined }
  | { code: 'not_a_picture'; found: TextFound | 'something_else' };

/** `secret`: it contains one of this server. `too_long`: `shown` is its number of characters. */
export type PictureAddressProblem = 'secret' | 'too_long' | 'control_characters' | 'no_url' | 'not_https';

export type PictureUrlProblem = 'no_url' | 'user_information' | 'not_https' | 'port';

/** What was delivered in the place of a picture. SVG is text, and may hold scripts. */
export type TextFound = 'nothing' | 'svg' | 'html' | 'json' | 'text';

/** A folder, a file or a record. `error` is a code of the system. */
export type StorageReason =
  /** Other processes changed it before each try of this one. */
  | { code: 'change_contended'; changed: Changed; tries: number }
  /** A job record, or a value that servers share. */
  | { code: 'state_not_kept'; path: string; error: string }
  /** It is never changed by this version. */
  | { code: 'state_is_newer'; path: string }
  | { code: 'folder_not_usable'; contents: 'pictures' | 'records'; folder: string; problem: FolderProblem }
  | { code: 'picture_not_saved'; folder: string; problem: FolderProblem }
  | { code: 'record_lost'; id: string; location: string }
  | { code: 'picture_not_readable'; file: string; error: string }
  | { code: 'picture_replaced'; file: string; by: PictureReplacement }
  /** A path begins with the user's home, and there is none. */
  | { code: 'no_home'; setting: string }
  /** Without `file` the key that was set itself. */
  | { code: 'key_not_usable'; file?: string; problem: KeyProblem };

/** A code of the system, or one of ours. */
export type FolderProblem = 'no_answer' | 'linked_folder' | (string & {});

export type PictureReplacement = 'outside' | 'link' | 'linked_folder' | 'no_file' | 'too_large' | 'no_picture';

/** What stands in the place of a key; `shown` is a code of the system, or never a part of a key. */
export type KeyProblem =
  | { type: 'placeholder' | 'example' | 'reference' | 'not_readable'; shown: string }
  | { type: 'json' | 'quotes' | 'header' | 'assignment' | 'several_lines' | 'malformed' }
  | { type: 'empty' | 'utf16' | 'no_file' | 'too_large' };

/** What processes share. @param location the folder that holds it */
export type Changed = { type: 'record' | 'value'; name: string; location: string };

/** What arises in mcp/ or cli/ has its words already. */
export type WordedReason = { code: 'worded'; what: string; next?: string };

export type Reason =
  | OrderReason
  | LimitReason
  | ServiceReason
  | ConnectReason
  | PictureReason
  | StorageReason
  | WordedReason;
