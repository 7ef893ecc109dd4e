const fs = require('node:fs');
const greet = require('./greet.js');

fs.mkdirSync('dist', { recursive: true });
fs.writeFileSync('dist/index.html', `<h1>${greet('world')}</h1>\n`);
