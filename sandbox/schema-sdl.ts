// Owns the sandbox's GraphQL schema, written from the provider's page: both documented mutations and the status query.

import { plainTraits, type Traits } from './scenarios/traits.ts';

const VERSION = `
  "flux-pro or flux-pro-1.1."
  version: String`;
const QUALITY = `
  "high is the one value known."
  quality: String`;
const WEBHOOK_URL = `
  "Called when the job ends, where webhooks are sent."
  webhookUrl: String`;

const generateInput = (hasOptional: boolean): string => `
input GenerateTextInput {
  "The prompt."
  text: String!
}

input GenerateOptions {
  "256 to 2048, a multiple of 8; 1024 when absent."
  width: Int
  "256 to 2048, a multiple of 8; 1024 when absent."
  height: Int${hasOptional ? VERSION + QUALITY : ''}
}

input GenerateInput {
  type: GenerationType!
  "flux-pro is the one value known."
  provider: String!
  input: GenerateTextInput!
  options: GenerateOptions${hasOptional ? WEBHOOK_URL : ''}
}

"What generate answers with."
type Generation {${OF_EVERY_JOB}${OF_GENERATE}
}`;

const OF_EVERY_JOB = `
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  "Null until the job is completed."
  url: String
  "ISO 8601."
  createdAt: String!`;
const OF_GENERATE = `
  type: GenerationType!
  provider: String!
  metadata: JSON
  creditCost: Int`;
const OF_GENERATE_IMAGE = `
  width: Int
  height: Int
  webhookUrl: String
  duration: Float`;

/**
 * `generate` and `generateImage` answer with different types, because the page lists different fields for them; the
 * status query, which the page names and does not show, answers with the fields of both.
 */
export const schemaSdl = ({ generate, optionalInput, statusQuery: { field, argument } }: Traits): string => `
"Any JSON value."
scalar JSON

enum GenerationType {
  IMAGE
}
${generate ? generateInput(optionalInput) : ''}
input ImageGenerationInput {
  "flux-pro is the one value known."
  service: String!
  prompt: String!
  "256 to 2048, a multiple of 8."
  width: Int = 1024
  "256 to 2048, a multiple of 8."
  height: Int = 1024${optionalInput ? VERSION + WEBHOOK_URL : ''}
}

"What generateImage answers with."
type GeneratedImage {${OF_EVERY_JOB}${OF_GENERATE_IMAGE}
}

"A job, however it was submitted."
type Job {${OF_EVERY_JOB}${OF_GENERATE}${OF_GENERATE_IMAGE}
}

type Query {
  "Null when no such job is known."
  ${field}(${argument}: ID!): Job
}

type Mutation {
  ${generate ? 'generate(input: GenerateInput!): Generation' : ''}
  generateImage(input: ImageGenerationInput!): GeneratedImage
}
`;

/** The schema where no scenario changes it. */
export const sandboxSchemaSdl: string = schemaSdl(plainTraits);
