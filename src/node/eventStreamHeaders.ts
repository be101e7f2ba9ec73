/** No cache keeps it and no proxy holds it back: nginx buffers what does not say otherwise. */
export const eventStreamHeaders = {
  'content-type': 'text/event-stream',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;
