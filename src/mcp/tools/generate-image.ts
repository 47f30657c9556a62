/** The tool that orders one picture. */
import { orderOf, orderSchema, placeOrders } from '../ordering.ts';
import { defineTool } from '../tool.ts';

export const generateImage = defineTool({
  name: 'generate_image',
  title: 'Generate an image',
  description:
    "Orders a new picture from Flux Pro and saves it in FLUX_OUTPUT_DIR on the user's disk. Use it for any new picture, " +
    'photo, illustration, icon or background. Costs 10–20 credits up to 1024 × 1024, 30–50 at 2048 × 2048, 10–50 in ' +
    'between; takes 5–60 seconds. Returns the picture, its file path, URL, exact price and job_id. If it is not ' +
    'finished when the call ends, or the answer is lost, do not order it again: list_jobs finds the job and ' +
    'get_job_status waits for it. An equal call (prompt, size, version, quality) finds its job at no cost until a day ' +
    'after the picture was saved (FLUX_DUPLICATE_HOURS); later it orders and pays for a new picture. The service delivers ' +
    'JPEG and has no seed, reference picture, editing, enlarging, transparency or cancelling: a changed or larger version is a new picture.',
  effect: 'spend',
  input: orderSchema,
  hasViewer: true,
  handle: (args, context) => placeOrders([orderOf(args)], { tool: 'generate_image', isBatch: false, ...args }, context),
});
