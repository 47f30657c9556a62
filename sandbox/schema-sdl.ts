// Owns the sandbox's GraphQL schema, written from the provider's page: both documented mutations and the status query.

import { plainTraits, type Traits } from './scenarios/traits.ts';

/** Lines that are there only when the flag is. */
const when = (flag: boolean, lines: string): string => (flag ? lines : '');

const VERSION = `
  "flux-pro or flux-pro-1.1."
  version: String`;
const QUALITY = `
  "high is the one value known."
  quality: String`;
const WEBHOOK_URL = `
  "Told when the job ends, where webhooks are sent."
  webhookUrl: String`;

const generateInput = (optional: boolean): string => `
input GenerateTextInput {
  "The prompt."
  text: String!
}

input GenerateOptions {
  "256 to 2048, a multiple of 8; 1024 when absent."
  width: Int
  "256 to 2048, a multiple of 8; 1024 when absent."
  height: Int${when(optional, VERSION + QUALITY)}
}

input GenerateInput {
  type: GenerationType!
  "flux-pro is the one value known."
  provider: String!
  input: GenerateTextInput!
  options: GenerateOptions${when(optional, WEBHOOK_URL)}
}
`;

const GENERATION = `
"What generate answers with."
type Generation {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  type: GenerationType!
  provider: String!
  "Null until the job is completed."
  url: String
  metadata: JSON
  creditCost: Int
  "ISO 8601."
  createdAt: String!
}
`;

/**
 * `generate` and `generateImage` answer with different types, because the page lists different fields for them; the
 * status query, which the page names and does not show, answers with the fields of both.
 */
export const schemaSdl = ({ generate, optionalInput, statusQuery }: Traits): string => /* GraphQL */ `
"Any JSON value."
scalar JSON

enum GenerationType {
  IMAGE
}
${when(generate, generateInput(optionalInput))}
input ImageGenerationInput {
  "flux-pro is the one value known."
  service: String!
  prompt: String!
  "256 to 2048, a multiple of 8."
  width: Int = 1024
  "256 to 2048, a multiple of 8."
  height: Int = 1024${when(optionalInput, VERSION + WEBHOOK_URL)}
}
${when(generate, GENERATION)}
"What generateImage answers with."
type GeneratedImage {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  "Null until the job is completed."
  url: String
  width: Int
  height: Int
  webhookUrl: String
  duration: Float
  "ISO 8601."
  createdAt: String!
}

"A job, whichever way it was submitted."
type Job {
  id: ID!
  "processing, completed, failed or moderated."
  status: String!
  type: GenerationType!
  provider: String!
  "Null until the job is completed."
  url: String
  width: Int
  height: Int
  webhookUrl: String
  duration: Float
  metadata: JSON
  creditCost: Int
  "ISO 8601."
  createdAt: String!
}

type Query {
  "Null when no such job is known."
  ${statusQuery.field}(${statusQuery.argument}: ID!): Job
}

type Mutation {${when(
  generate,
  `
  generate(input: GenerateInput!): Generation`,
)}
  generateImage(input: ImageGenerationInput!): GeneratedImage
}
`;

/** The schema where no scenario changes it. */
export const sandboxSchemaSdl: string = schemaSdl(plainTraits);
