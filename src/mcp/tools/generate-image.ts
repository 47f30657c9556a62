/** The tool that orders one picture. */
import { orderOf, orderSchema, placeOrders, waitSecondsArgument } from '../ordering.ts';
import { defineTool } from '../tool.ts';

const input = orderSchema('this call').safeExtend({ wait_seconds: waitSecondsArgument('the picture', 'job') });

export const generateImage = defineTool({
  name: 'generate_image',
  title: 'Generate an image',
  description:
    "Makes one new picture from a text description with Flux Pro and saves it on the user's disk. Use it when the " +
    'user wants a picture, illustration, photo, icon or background. Each order costs 10–20 credits up to 1 megapixel, ' +
    '30–50 at 2048 × 2048, and up to 50 in between. It takes 5 to 60 seconds. Returns the picture, its file path, ' +
    'URL, exact price and job_id. An equal request finds its job, marked as a duplicate, and costs nothing until a day ' +
    'after the picture was saved (FLUX_DUPLICATE_HOURS); later it orders and pays for a new picture. If the status is ' +
    'not "completed" after wait_seconds, call get_job_status with the job_id; never call generate_image again because ' +
    'of a time-out. For a good result, name subject, style, mood, lighting, camera angle and composition.',
  effect: 'spend',
  input,
  hasViewer: true,
  handle: (args, context) => placeOrders([orderOf(args)], { tool: 'generate_image', isBatch: false, ...args }, context),
});
