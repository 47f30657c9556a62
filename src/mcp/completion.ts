/** Completes arguments while they are typed: ids of jobs and pictures, and suggestions for prompts. */
import type { CompleteRequest, CompleteResult } from '@modelcontextprotocol/server';
import type { McpDeps } from './mcp-deps.ts';
import { promptNamed } from './prompts/catalogue.ts';
import { unknownName } from './protocol-errors.ts';
import { jobsOnRecord } from './resources/catalogue.ts';
import { IMAGE_TEMPLATE } from './resources/images.ts';
import { JOB_TEMPLATE } from './resources/jobs.ts';

/** The protocol's own bound. */
const VALUES_MAX = 100;

/** @throws ProtocolError (-32602) for a prompt, a template or an argument that does not exist */
export async function complete(params: CompleteRequest['params'], deps: McpDeps): Promise<CompleteResult> {
  const { ref, argument } = params;
  const typed = argument.value.trim().toLowerCase();
  if (ref.type === 'ref/prompt') {
    const { arguments: known } = promptNamed(ref.name, deps.redact);
    const named = known.find(({ name }) => name === argument.name);
    const names = known.map(({ name }) => name);
    if (named === undefined) throw unknownName(`argument of ${ref.name}`, argument.name, names, deps.redact);
    const all = named.suggestions;
    // Suggestions that start with the typed text come first, then those that contain it.
    const begins = all.filter((text) => text.toLowerCase().startsWith(typed));
    const contains = all.filter((text) => !begins.includes(text) && text.toLowerCase().includes(typed));
    return completion([...begins, ...contains]);
  }
  const isImage = ref.uri === IMAGE_TEMPLATE.uriTemplate;
  if (!isImage && ref.uri !== JOB_TEMPLATE.uriTemplate)
    throw unknownName(
      'resource template',
      ref.uri,
      [IMAGE_TEMPLATE.uriTemplate, JOB_TEMPLATE.uriTemplate],
      deps.redact,
    );
  if (argument.name !== 'job_id') throw unknownName(`argument of ${ref.uri}`, argument.name, ['job_id'], deps.redact);
  const listed = await jobsOnRecord(deps);
  const ids = listed.filter((job) => !isImage || job.state === 'saved').map(({ id }) => id);
  return completion(ids.filter((id) => id.startsWith(typed)));
}

function completion(values: readonly string[]): CompleteResult {
  return {
    completion: {
      values: values.slice(0, VALUES_MAX),
      total: values.length,
      hasMore: values.length > VALUES_MAX,
    },
  };
}
