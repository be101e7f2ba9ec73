/** A server's process: serves one contender's answers, and tells its CPU time when it is asked. */
import { contenders } from './contenders.js';
import { answerOf, shapes } from './source.js';

const contender = contenders[process.argv[2] ?? ''];
const shape = shapes[process.argv[3] ?? ''];
if (contender === undefined || shape === undefined) throw new TypeError(`No such contender or shape: ${process.argv.slice(2).join(' ')}`);

process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.(user + system);
});
process.send?.(await contender.start(() => answerOf(shape)));
