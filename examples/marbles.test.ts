/** How a pipeline is tested: the model scripted with marbles, minutes of backoff in virtual time. */
import { map } from 'rxjs';
import { chatStream, constantBackoff, errorAsEvent, text } from 'rxmistral';
import { chunk, marbles } from 'rxmistral/testing';
import { it } from 'vitest';

const request = { model: 'any', messages: [{ role: 'user' as const, content: 'Hi' }] };

it('shouts', () => {
  marbles(({ cold, mistral, expectObservable, expectSubscriptions }) => {
    const answer = cold('  --a-b-(c|)', { a: chunk.text('Hel'), b: chunk.text('lo'), c: chunk.finish('stop') });
    const expected = '     --A-B-|   ';
    const subs = '         ^-----!   ';
    const client = mistral({ 'chat.stream': answer });

    const shouted = chatStream(client, request).pipe(
      text(),
      map((piece) => piece.toUpperCase()),
    );

    expectObservable(shouted).toBe(expected, { A: 'HEL', B: 'LO' });
    expectSubscriptions(answer.subscriptions).toBe(subs);
  });
});

it('waits a minute between two attempts', () => {
  marbles(({ cold, mistral, expectObservable }) => {
    const answer = cold('--(ac|)', { a: chunk.text('Hello'), c: chunk.finish('stop') });
    const client = mistral({ 'chat.stream': [{ status: 503 }, answer] });

    const types = chatStream(client, request, { retry: { backoff: constantBackoff(60_000) } }).pipe(
      errorAsEvent(),
      map(({ type }) => type),
    );

    expectObservable(types).toBe('r 59999ms --(stc|)', { r: 'retry', s: 'start', t: 'text-delta', c: 'complete' });
  });
});
