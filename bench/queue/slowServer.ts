/** The server's process: long answers, so many tokens a second. */
import { startSimulator } from 'rxmistral/simulator';

const simulator = await startSimulator({ maxRecordedRequests: 1, answerTokens: 10_000, tokensPerSecond: Number(process.argv[2]) });
process.send?.({ url: simulator.url });
// Where the bench has failed, nobody ends this.
process.once('disconnect', () => process.exit());
