/** All tools, in the order in which they are listed. */
import type { Tool } from './tool.ts';
import { checkRateLimits } from './tools/check-rate-limits.ts';
import { generateImage } from './tools/generate-image.ts';
import { generateImages } from './tools/generate-images.ts';
import { getJobStatus } from './tools/get-job-status.ts';
import { listJobs } from './tools/list-jobs.ts';

export const TOOLS: readonly Tool[] = [generateImage, generateImages, getJobStatus, listJobs, checkRateLimits];
