/** Proves that names are understood however they are spelled, and that names of other things are told apart. */
import { describe, expect, it } from 'vitest';
import { distanceFromJob, isNameOf, type NameKind } from '../../../../src/doitong/schema/names.ts';

it.each<[NameKind, string, string]>([
  ['id', 'id jobId job_ids jobIDs JOB_ID jobids uuid taskUid', 'userId nodeId externalId valid android _'],
  ['status', 'status state taskStatus current_state jobstatus phase', 'paymentStatus statusUrl user stateless'],
  ['credits', 'creditCost creditsUsed credits creditcost', 'creditsRemaining cost creditor'],
  ['error', 'error errorMessage failureReason failReason lastError', 'terror errorCount message'],
  [
    'url',
    'url imageUrl image_url resultURI signedDownloadUrl src href imageURLs outputuris mediaLink outputPngUrl',
    'thumbnailUrl webhookUrl inputImageUrl avatarUrl userImageUrl urls_get statusUrl curl',
  ],
  ['output', 'output results images generatedImage files artifacts sample', 'input inputImage thumbnail avatar user _'],
  ['base64', 'b64_json imageBase64 base64', 'base b64x userBase64'],
])('%s', (kind, names, others) => {
  for (const name of names.split(' ')) expect([name, isNameOf(kind, name)]).toEqual([name, true]);
  for (const name of others.split(' ')) expect([name, isNameOf(kind, name)]).toEqual([name, false]);
});

describe('how far a name is from that of a job', () => {
  it('grows from a status of a job to a picture and to words that can mean anything', () => {
    const distances = ['checkJobStatus', 'getJob', 'statusById', 'image', 'run'].map(distanceFromJob);
    expect(distances).toEqual([...distances].sort((a, b) => Number(a) - Number(b)));
    expect(new Set(distances).size).toBe(5);
  });

  it.each(['invoice', 'jobInvoice', 'exportJob', 'userGeneration', 'node', 'get', '', 'job'.repeat(100)])(
    'is unknown for %.30s',
    (name) => {
      expect(distanceFromJob(name)).toBeUndefined();
    },
  );
});

it('ends soon for any name', () => {
  for (const part of ['id', 'image', 'render', 'results', 'output', 'job', 'statuses'])
    for (const kind of ['id', 'url', 'output', 'reading', 'credits'] as const)
      isNameOf(kind, `${part.repeat(Math.floor(118 / part.length))}x`);
});
