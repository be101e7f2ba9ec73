/**
 * The way from the model to the server. The model pauses at each `^` of its text until a test lets it go on: so a test knows how far an
 * answer is when something happens to it, however busy the machine is.
 */
export class PausedModel {
  /** How many answers have ended for the server, which has read them. */
  answers = 0;
  // That the model may go past without a pause.
  #marks = 0;
  #wake: () => void = () => undefined;

  readonly fetch = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const response = await fetch(input, init);
    return new Response(response.body && streamOf(this.#pieces(response.body)), response);
  };

  /** Ends so many pauses. */
  goOn(times = 1): void {
    this.#marks += times;
    this.#wake();
  }

  // Nothing is read ahead of the server.
  async *#pieces(body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    try {
      for await (const piece of body) {
        let rest = piece;
        for (let at = rest.indexOf(mark); at !== -1; at = rest.indexOf(mark)) {
          // The event that the mark is in has not come: the page shows the words before it.
          yield rest.subarray(0, at);
          if (this.#marks === 0) await new Promise<void>((resolve) => { this.#wake = resolve; });
          this.#marks -= 1;
          yield rest.subarray(at, at + 1);
          rest = rest.subarray(at + 1);
        }
        yield rest;
      }
    } finally {
      this.answers += 1;
    }
  }
}

const mark = '^'.charCodeAt(0);

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await pieces.next();
      if (done) controller.close();
      else controller.enqueue(value);
    },
    async cancel() {
      await pieces.return(undefined);
    },
  }, { highWaterMark: 0 });
}
