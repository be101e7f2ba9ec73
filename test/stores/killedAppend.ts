import { type SqliteDatabase, sqliteConversationStore } from '../../src/stores/index.js';
import { openSqlite } from './openStore.js';

// Appends five entries, and is gone at the given one of the statements, in the middle of the transaction.
const [driver, path = '', last = ''] = process.argv.slice(2);
const database = openSqlite(driver as 'libsql', path);
let left = Infinity;

function step<T>(result: T): T {
  if (--left === 0) process.kill(process.pid, 'SIGKILL');
  return result;
}

const counted: SqliteDatabase = {
  exec: (sql) => step(database.exec(sql)),
  prepare(sql) {
    const statement = database.prepare(sql);
    return {
      run: (...parameters) => step(statement.run(...parameters)),
      get: (...parameters) => step(statement.get(...parameters)),
      all: (...parameters) => statement.all(...parameters),
    };
  },
};

const store = sqliteConversationStore(counted);
store.append('a', [{ type: 'message.input', role: 'user', content: 'before' }], 0);
left = Number(last);
store.append('a', Array.from({ length: 5 }, (_, index) => ({ type: 'message.output' as const, content: `${index}` })), 1);
