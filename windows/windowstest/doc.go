// Package windowstest is for tests: the single-threaded reference program that
// says what the service must publish, and a language for scripted windows.
package windowstest
