// Package deploy holds the tests of the files around it: images, compose
// file, chart, dashboards and alert rules.
package deploy
