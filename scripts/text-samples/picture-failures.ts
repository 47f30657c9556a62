/** Pictures that cannot be fetched, and files and folders that cannot be used. */
import type { PictureReason, StorageReason } from '../../src/core/reasons.ts';
import { LOST, NO, PAID, PAID_NO, READ, type RowsOf } from './failure-rows.ts';

export const PICTURE_FAILURES: RowsOf<PictureReason | StorageReason> = {
  picture_address_unusable: [
    [
      'completed',
      'download_failed',
      PAID_NO,
      { code: 'picture_address_unusable', problem: 'not_https', shown: 'ftp://cdn.doitong.com' },
    ],
  ],
  picture_url_refused: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_url_refused', problem: 'port', shown: '8443' }],
  ],
  picture_host_not_listed: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_host_not_listed', host: 'images.example' }],
  ],
  picture_host_is_inside: [
    [
      'completed',
      'download_failed',
      PAID_NO,
      { code: 'picture_host_is_inside', host: 'cdn.doitong.com', address: '10.0.0.7' },
    ],
  ],
  picture_host_answered: [['completed', 'download_failed', PAID, { code: 'picture_host_answered', status: 503 }]],
  picture_redirected: [['completed', 'download_failed', PAID, { code: 'picture_redirected', redirects: 3 }]],
  picture_other_part: [['completed', 'download_failed', PAID, { code: 'picture_other_part' }]],
  picture_encoding_unknown: [
    ['completed', 'download_failed', PAID, { code: 'picture_encoding_unknown', encoding: 'zstd' }],
  ],
  picture_data_missing: [['completed', 'download_failed', PAID, { code: 'picture_data_missing' }]],
  picture_nowhere: [['completed', 'download_failed', PAID, { code: 'picture_nowhere' }]],
  picture_too_large: [
    ['completed', 'download_failed', PAID_NO, { code: 'picture_too_large', maxBytes: 30 * 1024 ** 2 }],
  ],
  picture_too_slow: [['completed', 'download_failed', PAID, { code: 'picture_too_slow', seconds: 120 }]],
  picture_transfer_broke: [['completed', 'download_failed', PAID, { code: 'picture_transfer_broke' }]],
  picture_incomplete: [['completed', 'download_failed', PAID, { code: 'picture_incomplete' }]],
  not_a_picture: [['completed', 'download_failed', PAID, { code: 'not_a_picture', found: 'html' }]],
  change_contended: [
    [
      'processing',
      'storage_failed',
      READ,
      {
        code: 'change_contended',
        changed: { type: 'record', name: 'job_0mxyz1234abcdefghijk', location: '/state' },
        tries: 64,
      },
    ],
  ],
  state_not_kept: [
    ['call', 'storage_failed', NO, { code: 'state_not_kept', path: '/state/shared/reservations', error: 'ENOSPC' }],
    ['submitting', 'storage_failed', PAID, { code: 'state_not_kept', path: '/state/jobs/2026-11-28', error: 'EIO' }],
  ],
  state_is_newer: [['call', 'storage_failed', NO, { code: 'state_is_newer', path: '/state/shared/reservations' }]],
  folder_not_usable: [
    [
      'call',
      'storage_failed',
      NO,
      { code: 'folder_not_usable', contents: 'pictures', folder: '/mnt/pictures', problem: 'EACCES' },
    ],
  ],
  picture_not_saved: [
    [
      'completed',
      'storage_failed',
      PAID,
      { code: 'picture_not_saved', folder: '/mnt/pictures/2026-11', problem: 'ENOSPC' },
    ],
  ],
  record_lost: [
    ['call', 'storage_failed', LOST, { code: 'record_lost', id: 'job_0mxyz1234abcdefghijk', location: '/state/jobs' }],
  ],
  picture_not_readable: [
    [
      'call',
      'storage_failed',
      PAID,
      { code: 'picture_not_readable', file: '/mnt/pictures/2026-11/a.jpg', error: 'EIO' },
    ],
  ],
  picture_replaced: [
    ['call', 'storage_failed', PAID, { code: 'picture_replaced', file: '/mnt/pictures/2026-11/a.jpg', by: 'link' }],
  ],
  no_home: [['call', 'storage_failed', NO, { code: 'no_home', setting: 'FLUX_STATE_DIR' }]],
  key_not_usable: [
    ['call', 'bad_key', NO, { code: 'key_not_usable', problem: { type: 'placeholder', shown: '<your key>' } }],
    ['call', 'bad_key', NO, { code: 'key_not_usable', file: '/home/user/key', problem: { type: 'several_lines' } }],
  ],
};
