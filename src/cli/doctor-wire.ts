/** What `doctor` says of how pictures are ordered and jobs are read at this service. */
import type { OrderingFinding, ReadingFinding } from '../core/service-report.ts';
import { saidOf } from '../mcp/failure-text.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';

const OTHER_DIALECT = 'Set DOITONG_DIALECT to another way to order, or update flux-pro-mcp.';
const CHECK_URL = 'Check that DOITONG_API_URL is the address of the Doitong API.';

/** @param wantsWebhooks whether an order would carry a webhook's address */
export function orderingChecks(ordering: OrderingFinding, wantsWebhooks: boolean): Check[] {
  switch (ordering.type) {
    case 'settled':
      return [ok('dialect', `${ordering.dialect}, ${sourceText(ordering)}`), inputCheck(ordering, wantsWebhooks)];
    case 'open':
      return [
        ok(
          'dialect',
          `found at the first order: ${ordering.dialects.join(', ')} are tried in turn; a wrong guess carries nothing out and costs nothing`,
        ),
      ];
    case 'unserved':
      return [ok('dialect', `${ordering.dialect} is offered`), unservedCheck(ordering)];
    case 'absent': {
      const found = `the service does not offer ${ordering.dialects.join(' or ')}`;
      return [fail('dialect', found, ordering.instead === undefined ? CHECK_URL : insteadText(ordering.instead))];
    }
    case 'unknown':
      return [];
    default:
      return ordering satisfies never;
  }
}

const insteadText = (dialect: string): string => `Set DOITONG_DIALECT to auto or ${dialect}.`;

function sourceText({ source, checked }: OrderingFinding & { type: 'settled' }): string {
  const texts: Readonly<Record<typeof source, string>> = {
    configured: 'as set by DOITONG_DIALECT',
    remembered: 'as an order of the last day was taken',
    schema: 'found in the schema',
    only_one: 'the one documented way that is left',
  };
  return `${texts[source]}${checked || source === 'remembered' ? '' : '; the first order shows whether it is taken'}`;
}

function inputCheck({ leftOut }: OrderingFinding & { type: 'settled' }, wantsWebhooks: boolean): Check {
  const pieces = leftOut.filter((part) => part !== 'webhookUrl' || wantsWebhooks);
  if (pieces.length === 0) return ok('input', 'every part of an order has its place');
  const found = `the service takes no ${pieces.join(', no ')}: left out of orders that have it`;
  // What the service makes of its own accord is no fault; a webhook that never comes is one that somebody waits for.
  if (!pieces.includes('webhookUrl')) return ok('input', found);
  return warn('input', found, 'Remove DOITONG_WEBHOOK_URL: jobs are polled, which finds their end too.');
}

function unservedCheck({ dialect, missing, unknown, instead }: OrderingFinding & { type: 'unserved' }): Check {
  const pieces = [
    ...(missing.length === 0 ? [] : [`it requires ${missing.join(', ')}, which this program does not know`]),
    ...(unknown.length === 0 ? [] : [`it does not take ${unknown.join(', ')} as documented`]),
  ];
  const remedy = instead === undefined ? OTHER_DIALECT : `Set DOITONG_DIALECT to ${instead}, or update flux-pro-mcp.`;
  return fail('input', `${dialect} has changed: ${pieces.join('; ')}`, remedy);
}

const NAME = 'job_query';
const HOW_TO_SET =
  'Set DOITONG_JOB_QUERY to the query field and its argument that answer for a job, for example job(id).';

export function readingCheck(reading: ReadingFinding): Check[] {
  switch (reading.type) {
    case 'works': {
      const texts: Readonly<Record<typeof reading.source, string>> = {
        configured: 'as set by DOITONG_JOB_QUERY',
        remembered: 'as a job of the last day was read',
        schema: 'found in the schema',
        tried: 'found by trying',
      };
      return [ok(NAME, `${reading.query}, ${texts[reading.source]}; the service answers to it`)];
    }
    case 'unfit': {
      const [best] = reading.offered;
      const remedy =
        best === undefined
          ? `Correct DOITONG_JOB_QUERY, or set it to auto.`
          : `Set DOITONG_JOB_QUERY to auto or ${best}.`;
      return [fail(NAME, `${reading.query}, as set by DOITONG_JOB_QUERY, is not offered by the service`, remedy)];
    }
    case 'open': {
      const because = reading.failure === undefined ? '' : `: ${saidOf(reading.failure).what}`;
      const queries = reading.queries.length === 0 ? '' : ` The first job tries ${reading.queries.join(', ')}.`;
      return [
        warn(
          NAME,
          `not settled${because}${because === '' ? '.' : ''}${queries}`,
          `${HOW_TO_SET} Or run doctor again later.`,
        ),
      ];
    }
    case 'none':
      return [fail(NAME, 'no query was found that tells the status of a job: pictures would not arrive', HOW_TO_SET)];
    case 'unknown':
      return [];
    default:
      return reading satisfies never;
  }
}
