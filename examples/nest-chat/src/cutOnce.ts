/** A network that is cut once, behind so many bytes of a body, and then comes back. */
export function cutOnce(fetch: typeof globalThis.fetch, bytes: number): typeof globalThis.fetch {
  let isCut = false;
  return async (input, init) => {
    const response = await fetch(input, init);
    if (isCut || response.body === null) return response;
    isCut = true;
    let left = bytes;
    const cut = new TransformStream<Uint8Array, Uint8Array>({
      transform(piece, controller) {
        controller.enqueue(piece.subarray(0, left));
        left -= piece.length;
        if (left <= 0) controller.error(new TypeError('The network was cut'));
      },
    });
    return new Response(response.body.pipeThrough(cut), response);
  };
}
