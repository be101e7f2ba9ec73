import { type Simulator, startSimulator } from 'rxmistral/simulator';

/** Questions for a batch. */
export const requests = Array.from({ length: 200 }, (_, index) => ({
  customId: `question-${index + 1}`,
  body: { messages: [{ role: 'user', content: `What is ${index + 1} squared?` }] },
}));

/**
 * A server whose first two jobs have a bad day: one in forty requests fails, one in a hundred is in neither of the files, and
 * one can never be answered. A job takes a second and a half, in place of hours.
 */
export function startServer(): Promise<Simulator> {
  const every = (n: number) => (_customId: string | null, index: number) => index % n === n - 1;
  return startSimulator({
    seed: 5,
    answerTokens: 12,
    batch: {
      duration: 1_500,
      faults: [
        { kind: 'fail-requests', status: 503, which: every(40), on: [0, 1] },
        { kind: 'lose-lines', which: every(100), on: [0, 1] },
        { kind: 'fail-requests', status: 422, which: (customId) => customId === 'question-13' },
      ],
    },
  });
}
