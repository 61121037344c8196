// Checks that the subject of each commit fits in one line of `git log`. Older commits, before the rule, are long.
import { spawnSync } from 'node:child_process';

const since = '3b2da13';
const longest = 72;

const { status, stdout, stderr } = spawnSync('git', ['log', '--format=%h %s', `${since}..HEAD`], { encoding: 'utf8' });
if (status !== 0) {
  console.log(`commit subjects are not checked: ${(stderr ?? 'git is missing').trim().split('\n')[0]}`);
} else {
  const long = stdout
    .split('\n')
    .map((line) => line.replace(/^\S+ /, ''))
    .filter((subject) => subject.length > longest);
  for (const subject of long) console.error(`a commit's subject is longer than ${longest} characters: ${subject}`);
  process.exitCode = long.length === 0 ? 0 : 1;
}
