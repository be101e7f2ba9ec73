import { asyncScheduler, type MonoTypeOperatorFunction, Observable, type SchedulerLike, type Subscription } from 'rxjs';
import { expectDuration, expectObject, expectOneOf, expectScheduler, expectText, fail } from '../errors/expect.js';
import { isRecord } from '../errors/isRecord.js';
import { DeltaSegmenter } from '../events/DeltaSegmenter.js';
import type { SegmentUnit } from '../events/TextSegmenter.js';
import { subscribeWithin } from './subscribeWithin.js';

/** Options of {@link smooth}. */
export interface SmoothOptions {
  /** What a piece is: a word with what stands behind it, a grapheme (what people call a letter), or a sentence. */
  readonly by: SegmentUnit;
  /**
   * The time between two pieces, in milliseconds from 0 to 2,147,483,647.
   * @defaultValue 0: at once, as they come
   */
  readonly delay?: number | undefined;
  /** The language, as a BCP 47 tag, for what is a word or a sentence. @defaultValue the engine's */
  readonly locale?: string | undefined;
  /** The clock of `delay`. @defaultValue `asyncScheduler` */
  readonly scheduler?: SchedulerLike | undefined;
}

/** So many pieces wait at most; those before them are shown at once. */
const maxWaiting = 100;

/**
 * Cuts text into words, graphemes or sentences, and shows them at an even pace: tokens come in bursts, and cut words.
 *
 * ```
 * source:                            -a---b-c|       a: 'Hel'   b: 'lo, wor'   c: 'ld'
 * smooth({ by: 'word' }):            -----x--(y|)    x: 'Hello, '   y: 'world'
 * ```
 *
 * On events, `text-delta` and `thinking-delta` are cut anew, with an `index` that counts the new ones; all others keep their
 * place among the text. Pieces of text (as {@link text} gives them) may be smoothed as well. The last piece is held back
 * until the next begins, because it may grow (an emoji by its other half), but never past 1,024 characters.
 *
 * **Nothing is lost or reordered**: all pieces together are the text. Where the model is faster than `delay`, at most 100
 * pieces wait, and those before them are shown together: what is shown lags behind by 100 times `delay` at most.
 *
 * **Completes and fails** as the source does: what is held or waits is emitted at once before it, and the error is the
 * source's own. **Unsubscribing** ends the source and the timer.
 *
 * One answer at a time: where streams are merged, put `smooth` on each, inside `mergeMap`.
 *
 * @throws TypeError at once when an option is out of its bounds, or the engine has no `Intl.Segmenter`.
 *
 * @example
 * ```ts
 * import { Mistral } from '@mistralai/mistralai';
 * import { chatStream, smooth, text } from 'rxmistral';
 *
 * const client = new Mistral({ apiKey: process.env['MISTRAL_API_KEY'] ?? '' });
 *
 * chatStream(client, { model: 'mistral-small-latest', messages: [{ role: 'user', content: 'Write a haiku.' }] })
 *   .pipe(text(), smooth({ by: 'word', delay: 20 }))
 *   .subscribe((word) => process.stdout.write(word));
 * ```
 */
export function smooth<T>(options: SmoothOptions): MonoTypeOperatorFunction<T> {
  expectObject('options', options);
  if ((options as unknown) === undefined) fail('options', 'an object', options);
  const { by, delay = 0, locale, scheduler = asyncScheduler } = options;
  if ((by as unknown) === undefined) fail('by', "'word' or 'grapheme' or 'sentence'", by);
  expectOneOf('by', by, ['word', 'grapheme', 'sentence']);
  expectDuration('delay', delay);
  expectText('locale', locale);
  expectScheduler('scheduler', scheduler);
  if (typeof Intl !== 'object' || typeof (Intl as { Segmenter?: unknown }).Segmenter !== 'function') {
    throw new TypeError('smooth needs Intl.Segmenter, which this engine does not have');
  }
  expectLocale(locale);

  // Constructed: no operator of rxjs shows what waits before an error.
  return (source) =>
    new Observable((subscriber) => {
      const segmenter = new DeltaSegmenter<T>(by, locale);
      let queue: T[] = [];
      let timer: Subscription | undefined;
      subscriber.add(() => timer?.unsubscribe());

      // One queue, also for what comes while a piece is being shown.
      const showUntil = (rest: number): void => {
        while (queue.length > rest) subscriber.next(queue.shift() as T);
      };
      const showAll = (): void => {
        showUntil(0);
      };
      const isPiece = (value: T): boolean =>
        !isRecord(value) || value['type'] === 'text-delta' || value['type'] === 'thinking-delta';
      const show = (): void => {
        timer = undefined;
        while (queue.length > 0 && !subscriber.closed) {
          const value = queue.shift() as T;
          const waits = isPiece(value) && queue.length < maxWaiting;
          if (waits) timer = scheduler.schedule(show, delay);
          subscriber.next(value);
          if (waits) return;
        }
      };
      const add = (values: readonly T[]): void => {
        queue = queue.concat(values);
        if (delay === 0) showAll();
        else if (timer === undefined) show();
        else if (queue.length > maxWaiting) showSurplus();
      };
      const showSurplus = (): void => {
        showUntil(maxWaiting);
      };
      const finish = (): void => {
        timer?.unsubscribe();
        queue = queue.concat(segmenter.end());
        showAll();
      };
      subscribeWithin(subscriber, source, {
        next: (value) => {
          add(segmenter.take(value));
        },
        error: (error: unknown) => {
          finish();
          subscriber.error(error);
        },
        complete: () => {
          finish();
          subscriber.complete();
        },
      });
    });
}

function expectLocale(locale: string | undefined): void {
  try {
    Intl.getCanonicalLocales(locale);
  } catch {
    fail('locale', 'a BCP 47 language tag', locale);
  }
}
