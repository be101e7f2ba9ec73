/** The server's process: the same short answer to everybody, at once. */
import { startSimulator } from 'rxmistral/simulator';
import { answer } from './answer.js';

const simulator = await startSimulator({ maxRecordedRequests: 1, reply: { text: answer } });
process.send?.({ url: simulator.url });
// Where the bench has failed, nobody ends this.
process.once('disconnect', () => process.exit());
