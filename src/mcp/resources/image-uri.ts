/** The name of a finished picture as a resource. */

export const IMAGE_URI_PREFIX = 'flux://images/';

export const imageUri = (jobId: string): string => `${IMAGE_URI_PREFIX}${jobId}`;
