import { type Contender, openStream } from '../Contender.js';

/** The limit: nothing is decoded, parsed or emitted. */
export const read: Contender = async (url) => {
  const reader = await openStream(url);
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { bytes };
    bytes += value.byteLength;
  }
};
