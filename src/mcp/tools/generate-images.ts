/** The tool that orders several pictures in one call. */
import { orderOf, ordersSchema, placeOrders } from '../ordering.ts';
import { defineTool } from '../tool.ts';

export const generateImages = defineTool({
  name: 'generate_images',
  title: 'Generate several images',
  description:
    "Orders 1–50 pictures in one call, as fast as the plan's limits allow: use it for several pictures. " +
    'Each picture costs as in generate_image. Returns a job for each entry, in order, and how many are completed, ' +
    'failed and pending; one failure stops no other picture. An equal call finds its jobs entry by entry, as in ' +
    'generate_image, and orders again what failed, unless it was moderated.',
  effect: 'spend',
  input: ordersSchema,
  hasViewer: true,
  handle({ images, ...shared }, context) {
    const orders = images.map((image) => orderOf({ ...image, ...shared }));
    return placeOrders(orders, { tool: 'generate_images', isBatch: true, ...shared }, context);
  },
});
