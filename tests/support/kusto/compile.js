// What Microsoft's compiler of Kusto says of queries over given tables.
//
// node compile.js PACKAGE < {"tables": {TABLE: {COLUMN: TYPE}}, "queries": [QUERY]}
// prints [{"complaints": [MESSAGE], "columns": [[NAME, TYPE]]}]

const fs = require('node:fs');

// Both define globals, as scripts of a page do.
require(`${process.argv[2]}/bridge.min.js`);
require(`${process.argv[2]}/Kusto.Language.Bridge.min.js`);
const { GlobalState, KustoCode } = Kusto.Language;
const { DatabaseSymbol, Symbol: AnySymbol, TableSymbol } = Kusto.Language.Symbols;

// Constructors are numbered: that of a name, a text with columns, and a description; that of a name, another one, and members.
const tableOf = (name, columns) => new TableSymbol.$ctor7(
  name, `(${Object.entries(columns).map(([column, type]) => `${column}: ${type}`).join(', ')})`, null);
const databaseOf = (tables) => new DatabaseSymbol.$ctor3('workspace', null, tables, false);

const each = (list, of) => Array.from({ length: list.Count }, (_, index) => of(list.getItem(index)));

function compile(query, globals) {
  const code = KustoCode.ParseAndAnalyze(query, globals);
  const columns = code.ResultType && code.ResultType.Columns;
  return {
    complaints: each(code.GetDiagnostics(), (complaint) => complaint.Message),
    columns: columns ? each(columns, (column) => [column.Name, column.Type.Name]) : [],
  };
}

const { tables, queries } = JSON.parse(fs.readFileSync(0, 'utf8'));
const members = new (System.Collections.Generic.List$1(AnySymbol).ctor)();
Object.entries(tables).forEach(([name, columns]) => members.add(tableOf(name, columns)));
const globals = GlobalState.Default.WithDatabase(databaseOf(members));
console.log(JSON.stringify(queries.map((query) => compile(query, globals))));
